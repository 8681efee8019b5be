using MoEActors.Grains.Workers;
using MoEActors.Modules.Models;
using MoEActors.Native.Memory;

namespace MoEActors.Grains.Memory;

/// <summary>
/// Reserves a worker's arenas before a micro-batch that is larger than those before it, as much as the estimate says: what was estimated is what is
/// allocated, unless the routing is worse than planned. One executor thread at a time; allocates nothing for a shape that is covered.
/// </summary>
internal sealed class ArenaReservation(RunConfiguration run, IReadOnlyList<Arena> arenas)
{
    private readonly CoveredShapes _covered = new();
    private readonly int[] _experts = new int[run.Model.Layers];

    /// <summary>Between two steps: what is covered stays so under another placement. Everything in the arenas is void.</summary>
    public void Enter(EpochView view)
    {
        bool grows = false;
        for (int layer = 0; layer < _experts.Length; layer++)
        {
            // More experts in a layer than were ever here bring more rows.
            int here = view.Map.ExpertsOn(view.Rank, layer).Count();
            grows |= here > _experts[layer];
            _experts[layer] = Math.Max(_experts[layer], here);
        }

        if (grows)
        {
            foreach (MicroBatchShape shape in _covered.Shapes)
            {
                Reserve(view, shape);
            }
        }
    }

    /// <summary>Sees to it that a micro-batch finds room. Everything in the arenas is void.</summary>
    public void Cover(EpochView view, MicroBatchShape shape)
    {
        if (!_covered.Contains(shape))
        {
            Reserve(view, shape);
            _covered.Add(shape);
        }
    }

    private void Reserve(EpochView view, MicroBatchShape shape)
    {
        long[] needed = new DryRunWorker(run, view.Map, view.Rank, shape, MemoryEstimator.PlannedSkew, gates: []).ArenaBytes();
        for (int i = 0; i < needed.Length; i++)
        {
            arenas[i].Reserve(needed[i]);
        }
    }
}
