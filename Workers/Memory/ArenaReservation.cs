namespace MoEActors.Workers.Memory;

/// <summary>Estimates what each of a worker's arenas needs for a micro-batch, in bytes.</summary>
/// <param name="map">The placement.</param>
/// <param name="rank">The worker's rank.</param>
/// <param name="shape">The micro-batch.</param>
internal delegate long[] ArenaEstimator(PlacementMap map, int rank, MicroBatchShape shape);

/// <summary>
/// Reserves a worker's arenas before a micro-batch that is larger than those before it, as much as the estimate says: what was estimated is what is
/// allocated, unless the routing is worse than planned. One executor thread at a time; allocates nothing for a shape that is covered.
/// </summary>
internal sealed class ArenaReservation(int layers, IReadOnlyList<Arena> arenas, ArenaEstimator estimate)
{
    private readonly CoveredShapes _covered = new();
    private readonly int[] _experts = new int[layers];

    /// <summary>Between two steps: what is covered stays so under another placement. Everything in the arenas is void.</summary>
    public void Enter(PlacementMap map, int rank)
    {
        bool grows = false;
        for (int layer = 0; layer < _experts.Length; layer++)
        {
            // More experts in a layer than were ever here bring more rows.
            int here = map.ExpertsOn(rank, layer).Count();
            grows |= here > _experts[layer];
            _experts[layer] = Math.Max(_experts[layer], here);
        }

        if (grows)
        {
            foreach (MicroBatchShape shape in _covered.Shapes)
            {
                Reserve(map, rank, shape);
            }
        }
    }

    /// <summary>Sees to it that a micro-batch finds room. Everything in the arenas is void.</summary>
    public void Cover(PlacementMap map, int rank, MicroBatchShape shape)
    {
        if (!_covered.Contains(shape))
        {
            Reserve(map, rank, shape);
            _covered.Add(shape);
        }
    }

    private void Reserve(PlacementMap map, int rank, MicroBatchShape shape)
    {
        long[] needed = estimate(map, rank, shape);
        for (int i = 0; i < needed.Length; i++)
        {
            arenas[i].Reserve(needed[i]);
        }
    }
}
