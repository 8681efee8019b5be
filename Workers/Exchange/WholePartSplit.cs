using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// The split by whole micro-batches (<see cref="MicroBatchQuotas"/>): what a source has for an expert goes to one replica, so that a part of its
/// weight gradient is summed in one place.
/// </summary>
internal sealed class WholePartSplit(LayerPlacement placement) : ReplicaSplit(placement)
{
    private readonly MicroBatchAssignment _assignment = new(placement, placement.Workers);
    private readonly long[] _parts = new long[placement.Experts * placement.Workers];
    private readonly int[] _replicas = new int[placement.Experts * placement.Workers];

    protected override void Decide(ReadOnlySpan<int> counts)
    {
        for (int expert = 0; expert < Placement.Experts; expert++)
        {
            for (int source = 0; source < Placement.Workers; source++)
            {
                _parts[expert * Placement.Workers + source] = counts[source * Placement.Experts + expert];
            }
        }

        _assignment.Assign(_parts).CopyTo(_replicas);
    }

    protected override void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows)
    {
        for (int source = 0; source < Placement.Workers; source++)
        {
            int shard = Placement.FirstShardOf(expert) + _replicas[expert * Placement.Workers + source];
            rows[source * Placement.Shards + shard] = counts[source * Placement.Experts + expert];
        }
    }
}
