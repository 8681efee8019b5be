using System.Diagnostics;
using MoEActors.Modules.Experts;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Gradients of slices: each is summed over all rows of a pass on the worker that computes it, goes to the expert's home, and is added there as a piece of the expert's gradient.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="transfers">What travels in passes, counted.</param>
/// <param name="placement">Where the layer's experts are.</param>
/// <param name="kept">Memory of one layer's backward pass.</param>
/// <param name="exchange">Who computes which slice.</param>
/// <param name="layout">The tensors of a slice.</param>
/// <param name="held">By expert: its block on this worker; null where it holds none.</param>
/// <param name="weights">The slices of the pass.</param>
internal sealed class SlicedGradients(
    IDevice device, ICommunicator communicator, CountedTransfers transfers, LayerPlacement placement, Arena kept, SlicedExchange exchange, SlicedLayout layout,
    ParameterBlock?[] held, SlicedWeights weights)
    : IGradientParts
{
    private readonly Segment[] _away = new Segment[placement.Experts];
    private readonly Segment[] _here = new Segment[placement.Experts * layout.Slices];
    private DeviceSpan<float> _gradients;

    public void Begin()
    {
        int length = layout.SliceLength, served = exchange.Served.Length;
        kept.Reset();
        _gradients = kept.Take<float>(checked(served * length));
        for (int i = 0; i < served; i++)
        {
            weights.Slices[i].BindGradients(_gradients.Slice(i * length, length));
        }
    }

    /// <summary>All of them: the gradient of a slice is that of the pass.</summary>
    public int AddedSegments(int expert) => communicator.Size;

    public DeviceSpan<float> PartOf(int expert, int segment) => throw new UnreachableException("No part of a slice's gradient is kept apart.");

    public void End()
    {
        int length = layout.SliceLength, away = 0, here = 0;
        ReadOnlySpan<ServedSlice> served = exchange.Served;
        for (int i = 0; i < served.Length; i++)
        {
            weights.Slices[i].EndGradients();
            int home = HomeOf(served[i].Expert);
            if (home != communicator.Rank)
            {
                _away[away++] = new Segment(home, i * length, length);
            }
        }

        bool travels = false;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            foreach (int server in exchange.ServersOf(expert))
            {
                travels |= server != HomeOf(expert);
                if (server != communicator.Rank && HomeOf(expert) == communicator.Rank)
                {
                    _here[here] = new Segment(server, checked(here * length), length);
                    here++;
                }
            }
        }

        // Every worker knows from the counts whether any gradient travels.
        DeviceSpan<float> arrived = kept.Take<float>(here * length);
        if (travels)
        {
            transfers.AllToAll(_gradients, _away.AsSpan(0, away), arrived, _here.AsSpan(0, here));
        }

        Add(arrived);
        kept.Reset();
    }

    private int HomeOf(int expert) => placement.RanksOf(expert)[0];

    /// <summary>At home: puts the pieces of an expert's gradient together, own and arrived, and adds it.</summary>
    private void Add(DeviceSpan<float> arrived)
    {
        int length = layout.SliceLength, next = 0, own = 0;
        DeviceSpan<float> whole = kept.Take<float>(layout.ExpertLength);
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            ReadOnlySpan<int> servers = exchange.ServersOf(expert);
            bool isHome = HomeOf(expert) == communicator.Rank;
            for (int slice = 0; slice < servers.Length; slice++)
            {
                // The slices that this worker computes are in the order of experts, too, whether it is their home or not.
                int mine = servers[slice] == communicator.Rank ? own++ : -1;
                if (isHome)
                {
                    layout.Join(device, slice, mine >= 0 ? _gradients.Slice(mine * length, length) : arrived.Slice(next++ * length, length), whole);
                }
            }

            if (isHome && servers.Length > 0)
            {
                held[expert]!.AddGradients(whole);
            }
        }
    }
}
