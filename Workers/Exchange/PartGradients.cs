using MoEActors.Modules.Experts;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Gradients of whole parts: each is summed on the worker that computes it, kept apart, and added at the expert's home by ascending source, as a single copy
/// adds it (kernel contract, rule 2). The home adds its own parts at once up to the first that another worker computes.
/// </summary>
/// <param name="communicator">The view's communicator.</param>
/// <param name="transfers">What travels in passes, counted.</param>
/// <param name="placement">Where the experts are.</param>
/// <param name="kept">Memory of one layer's backward pass.</param>
/// <param name="exchange">Who computes which part.</param>
/// <param name="length">Elements of an expert.</param>
/// <param name="held">By expert: its block on this worker; null where it holds none.</param>
internal sealed class PartGradients(
    ICommunicator communicator, CountedTransfers transfers, LayerPlacement placement, Arena kept, WholePartExchange exchange, int length, ParameterBlock?[] held)
    : IGradientParts
{
    private readonly Segment[] _away = new Segment[placement.Experts * communicator.Size];
    private readonly Segment[] _here = new Segment[placement.Experts * communicator.Size];

    // By expert: sources whose parts are added at once; by expert and source: which of the parts that are kept here.
    private readonly int[] _added = new int[placement.Experts];
    private readonly int[] _slots = new int[placement.Experts * communicator.Size];
    private DeviceSpan<float> _parts;

    private int Rank => communicator.Rank;

    public void Begin()
    {
        int slots = 0;
        for (int expert = 0; expert < _added.Length; expert++)
        {
            _added[expert] = HomeOf(expert) == Rank ? FirstForeignPart(expert) : 0;
            for (int source = _added[expert]; source < communicator.Size; source++)
            {
                if (exchange.ServerOf(expert, source) == Rank)
                {
                    _slots[expert * communicator.Size + source] = slots++;
                }
            }
        }

        kept.Reset();
        _parts = kept.Take<float>(checked(slots * length));
    }

    public int AddedSegments(int expert) => _added[exchange.Served[expert]];

    public DeviceSpan<float> PartOf(int expert, int segment) => Part(exchange.Served[expert], segment);

    public void End()
    {
        int away = 0, here = 0;
        bool travels = false;
        for (int expert = 0; expert < _added.Length; expert++)
        {
            int home = HomeOf(expert);
            for (int source = 0; source < communicator.Size; source++)
            {
                int server = exchange.ServerOf(expert, source);
                if (server == PartAssignment.None || server == home)
                {
                    continue;
                }

                travels = true;
                if (server == Rank)
                {
                    _away[away++] = new Segment(home, _slots[expert * communicator.Size + source] * length, length);
                }
                else if (home == Rank)
                {
                    _here[here] = new Segment(server, checked(here * length), length);
                    here++;
                }
            }
        }

        // Every worker knows from the counts whether any part travels.
        if (travels)
        {
            DeviceSpan<float> arrived = kept.Take<float>(here * length);
            transfers.AllToAll(_parts, _away.AsSpan(0, away), arrived, _here.AsSpan(0, here));
            AddParts(arrived);
        }

        kept.Reset();
    }

    private int HomeOf(int expert) => placement.RanksOf(expert)[0];

    private DeviceSpan<float> Part(int expert, int source) => _parts.Slice(_slots[expert * communicator.Size + source] * length, length);

    /// <summary>At home: the parts that were not added at once, own and arrived, in ascending order.</summary>
    private void AddParts(DeviceSpan<float> arrived)
    {
        int next = 0;
        for (int expert = 0; expert < _added.Length; expert++)
        {
            for (int source = _added[expert]; HomeOf(expert) == Rank && source < communicator.Size; source++)
            {
                int server = exchange.ServerOf(expert, source);
                if (server != PartAssignment.None)
                {
                    held[expert]!.AddGradients(server == Rank ? Part(expert, source) : arrived.Slice(next++ * length, length));
                }
            }
        }
    }

    private int FirstForeignPart(int expert)
    {
        int source = 0;
        while (source < communicator.Size && exchange.ServerOf(expert, source) is int server && (server == PartAssignment.None || server == Rank))
        {
            source++;
        }

        return source;
    }
}
