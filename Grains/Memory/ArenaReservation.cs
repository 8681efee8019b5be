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
    /// <summary>Shapes of which none fits into another.</summary>
    private readonly List<MicroBatchShape> _covered = [];
    private long _epoch = -1;

    /// <summary>Sees to it that a micro-batch finds room. Everything in the arena is void.</summary>
    public void Cover(EpochView view, MicroBatch batch)
    {
        if (view.Epoch != _epoch)
        {
            // Other experts may be here now.
            _covered.Clear();
            _epoch = view.Epoch;
        }

        var shape = new MicroBatchShape(batch.Inputs.Length / batch.SequenceLength, batch.SequenceLength);
        for (int i = 0; i < _covered.Count; i++)
        {
            if (shape.FitsInto(_covered[i]))
            {
                return;
            }
        }

        arena.Reserve(new DryRunWorker(run, view.Map, before: null, view.Rank, shape, MemoryEstimator.PlannedSkew).ArenaBytes());
        _covered.RemoveAll(covered => covered.FitsInto(shape));
        _covered.Add(shape);
    }
}
