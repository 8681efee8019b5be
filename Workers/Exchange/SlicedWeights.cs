using MoEActors.Modules.Autograd;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Slices of experts that live for one pass: a worker that holds the expert cuts its own, the home sends theirs to the others. They lie in the memory of the pass, so that a layer that is
/// computed again asks for them again.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="transfers">What travels in passes, counted.</param>
/// <param name="placement">Where the layer's experts are.</param>
/// <param name="exchange">Who computes which slice.</param>
/// <param name="layout">The tensors of a slice.</param>
/// <param name="held">By expert: its block on this worker; null where it holds none.</param>
internal sealed class SlicedWeights(
    IDevice device, ICommunicator communicator, CountedTransfers transfers, LayerPlacement placement, SlicedExchange exchange, SlicedLayout layout, ParameterBlock?[] held)
{
    private readonly List<TransientBlock> _slices = [];
    private readonly List<IReadOnlyList<Parameter>> _experts = [];
    private readonly Segment[] _away = new Segment[placement.Experts * layout.Slices];
    private readonly Segment[] _here = new Segment[placement.Experts];

    /// <summary>The slices that are here for this pass, in the order of <see cref="SlicedExchange.Served"/>.</summary>
    public IReadOnlyList<TransientBlock> Slices => _slices;

    /// <summary>Brings the slices that this worker computes in a pass.</summary>
    /// <returns>Their parameters, in the order of <see cref="SlicedExchange.Served"/>.</returns>
    public IReadOnlyList<IReadOnlyList<Parameter>> Bring(Tape tape)
    {
        ReadOnlySpan<ServedSlice> served = exchange.Served;
        int length = layout.SliceLength, here = 0;
        DeviceSpan<float> slices = tape.Arena.Take<float>(checked(served.Length * length));
        for (int i = 0; i < served.Length; i++)
        {
            if (held[served[i].Expert] is { } block)
            {
                layout.Cut(device, block.Parameters, served[i].Slice, slices.Slice(i * length, length));
            }
            else
            {
                _here[here++] = new Segment(placement.RanksOf(served[i].Expert)[0], i * length, length);
            }
        }

        Exchange(tape, slices, here);
        _experts.Clear();
        for (int i = 0; i < served.Length; i++)
        {
            if (i == _slices.Count)
            {
                _slices.Add(new TransientBlock(device, layout.Slice));
            }

            _slices[i].Bind(slices.Slice(i * length, length), tape.Arena);
            _experts.Add(_slices[i].Parameters);
        }

        return _experts;
    }

    /// <summary>Sends slices to those that lack them, by ascending expert on both sides.</summary>
    private void Exchange(Tape tape, DeviceSpan<float> slices, int here)
    {
        bool travels = false;
        int away = 0, length = layout.SliceLength;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            foreach (int server in exchange.ServersOf(expert))
            {
                bool sent = !placement.Holds(expert, server);
                travels |= sent;
                if (sent && placement.RanksOf(expert)[0] == communicator.Rank)
                {
                    _away[away] = new Segment(server, checked(away * length), length);
                    away++;
                }
            }
        }

        // Every worker knows from the counts whether any slice travels.
        if (!travels)
        {
            return;
        }

        // What is sent lies in one piece, which is free again when it has gone.
        ArenaMark mark = tape.Arena.Mark();
        DeviceSpan<float> packed = tape.Arena.Take<float>(checked(away * length));
        Cut(packed);
        transfers.AllToAll(packed, _away.AsSpan(0, away), slices, _here.AsSpan(0, here));
        tape.Arena.Release(mark);
    }

    private void Cut(DeviceSpan<float> packed)
    {
        int next = 0, length = layout.SliceLength;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            if (placement.RanksOf(expert)[0] != communicator.Rank)
            {
                continue;
            }

            ReadOnlySpan<int> servers = exchange.ServersOf(expert);
            for (int slice = 0; slice < servers.Length; slice++)
            {
                if (!placement.Holds(expert, servers[slice]))
                {
                    layout.Cut(device, held[expert]!.Parameters, slice, packed.Slice(next++ * length, length));
                }
            }
        }
    }
}
