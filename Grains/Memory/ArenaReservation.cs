using MoEActors.Grains.Workers;
using MoEActors.Modules.Models;
using MoEActors.Native.Memory;

namespace MoEActors.Grains.Memory;

/// <summary>
/// Reserves a worker's arena before a micro-batch that is larger than those before it, as much as the estimate says: what was estimated is what is
/// allocated, unless the routing is worse than planned. One executor thread at a time; allocates nothing for a shape that is covered.
/// </summary>
internal sealed class ArenaReservation(RunConfiguration run, Arena arena)
{
    private readonly CoveredShapes _covered = new();
    private readonly int[] _experts = new int[run.Model.Layers];
    private long _epoch;

    /// <summary>Sees to it that a micro-batch finds room. Everything in the arena is void.</summary>
    public void Cover(EpochView view, MicroBatch batch)
    {
        if (view.Epoch != _epoch)
        {
            _epoch = view.Epoch;
            ForgetUnlessFewer(view);
        }

        MicroBatchShape shape = MicroBatchShape.Of(batch);
        if (!_covered.Contains(shape))
        {
            arena.Reserve(new DryRunWorker(run, view.Map, before: null, view.Rank, shape, MemoryEstimator.PlannedSkew).ArenaBytes());
            _covered.Add(shape);
        }
    }

    /// <summary>More experts in a layer than were ever here bring more rows.</summary>
    private void ForgetUnlessFewer(EpochView view)
    {
        for (int layer = 0; layer < _experts.Length; layer++)
        {
            int here = view.Map.ExpertsOn(view.Rank, layer).Count();
            if (here > _experts[layer])
            {
                _experts[layer] = here;
                _covered.Clear();
            }
        }
    }
}
