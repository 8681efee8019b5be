namespace MoEActors.Workers.Exchange;

/// <summary>Replicas whose gradients are added at the expert's home alone: at the end of a step it gives the sum to the others.</summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="placement">Where the layer's experts are.</param>
/// <param name="length">Elements of an expert.</param>
/// <param name="held">By expert: its block on this worker; null where it holds none.</param>
internal sealed class HomeGradients(IDevice device, ICommunicator communicator, LayerPlacement placement, int length, ParameterBlock?[] held) : ReplicaGradients
{
    private readonly Segment[] _away = new Segment[placement.Experts * communicator.Size];
    private readonly Segment[] _here = new Segment[placement.Experts];

    public override void EndStep(Arena arena)
    {
        int shared = 0;
        for (int expert = 0; expert < held.Length; expert++)
        {
            shared += held[expert] is not null && placement.RanksOf(expert).Length > 1 ? 1 : 0;
        }

        DeviceSpan<float> packed = arena.Take<float>(checked(shared * length));
        int away = 0, here = 0, next = 0;
        for (int expert = 0; expert < held.Length; expert++)
        {
            ReadOnlySpan<int> ranks = placement.RanksOf(expert);
            if (held[expert] is not { } block || ranks.Length == 1)
            {
                continue;
            }

            int place = next++ * length;
            if (ranks[0] != communicator.Rank)
            {
                _here[here++] = new Segment(ranks[0], place, length);
                continue;
            }

            device.Copy(block.Gradients, packed.Slice(place, length));
            foreach (int rank in ranks[1..])
            {
                _away[away++] = new Segment(rank, place, length);
            }
        }

        communicator.AllToAll(packed, _away.AsSpan(0, away), packed, _here.AsSpan(0, here));
        next = 0;
        for (int expert = 0; expert < held.Length; expert++)
        {
            ReadOnlySpan<int> ranks = placement.RanksOf(expert);
            if (held[expert] is { } block && ranks.Length > 1)
            {
                if (ranks[0] != communicator.Rank)
                {
                    device.Copy(packed.Slice(next * length, length), block.Gradients);
                }

                next++;
            }
        }
    }
}
