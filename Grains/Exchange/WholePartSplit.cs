using MoEActors.Placement;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Exchange;

/// <summary>
/// The split by whole micro-batches (<see cref="MicroBatchQuotas"/>): what a source has for an expert goes to one replica, so that a part of its
/// weight gradient is summed in one place.
/// </summary>
internal sealed class WholePartSplit(LayerPlacement placement) : ReplicaSplit(placement)
{
    private readonly LayerPlacement _placement = placement;
    private readonly MicroBatchDeal _deal = new(placement, placement.Workers);
    private readonly long[] _parts = new long[placement.Experts * placement.Workers];
    private readonly int[] _replicas = new int[placement.Experts * placement.Workers];

    /// <inheritdoc />
    protected override void Decide(ReadOnlySpan<int> counts)
    {
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            for (int source = 0; source < _placement.Workers; source++)
            {
                _parts[expert * _placement.Workers + source] = counts[source * _placement.Experts + expert];
            }
        }

        _deal.Deal(_parts).CopyTo(_replicas);
    }

    /// <inheritdoc />
    protected override void Share(int expert, ReadOnlySpan<int> counts, Span<int> rows)
    {
        for (int source = 0; source < _placement.Workers; source++)
        {
            int shard = _placement.FirstShardOf(expert) + _replicas[expert * _placement.Workers + source];
            rows[source * _placement.Shards + shard] = counts[source * _placement.Experts + expert];
        }
    }
}
