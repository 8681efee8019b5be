using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.PlacementChange;

/// <summary>
/// The changes of placement of one model on one worker, one at a time: begun with a step or alone, copied by a thread of its own over a
/// communicator of its own, concluded with the step, then adopted or dropped. Called by the executor unless it says otherwise.
/// </summary>
/// <param name="worker">The worker.</param>
/// <param name="shards">Its shards of the model.</param>
/// <param name="copies">Queues work for the thread that copies shards.</param>
internal sealed class PlacementChanges(WorkerId worker, ShardTable shards, Action<Action> copies)
{
    private volatile PendingChange? _pending;

    /// <summary>Why the view has ended; null while it goes on.</summary>
    private volatile Exception? _ended;

    /// <summary>The view that waits to be adopted; 0 for none. From any thread.</summary>
    public long View => _pending is { IsWhole: true } pending ? pending.View : 0;

    /// <summary>The copies that have arrived and share in the update of the step they came with.</summary>
    public IEnumerable<ParameterBlock> Arrived => _pending is { IsWhole: true } pending ? pending.Arrived.Select(arrived => arrived.Block) : [];

    /// <summary>Begins to copy. Whatever an earlier change has left is dropped.</summary>
    /// <param name="change">The change.</param>
    /// <param name="besideStep">Whether a step runs meanwhile, whose gradients are to follow.</param>
    /// <param name="rank">This worker's rank.</param>
    /// <param name="open">Opens the communicator of the copies.</param>
    public void Begin(Commands.PlacementChange change, bool besideStep, int rank, Func<ICommunicator> open)
    {
        Drop();
        var pending = new PendingChange(change, besideStep);
        _pending = pending;
        if (_ended is { } cause)
        {
            pending.Cancel(cause);
        }

        copies(() => pending.CopyShards(shards, rank, open));
    }

    /// <summary>The step's gradients are complete.</summary>
    public void GradientsAreReady() => _pending?.GradientsAreReady();

    /// <summary>Waits for the copies and says how it went.</summary>
    public ShardArrivals? Conclude() => _pending?.Conclude(worker);

    /// <summary>The view has ended: what is being copied fails, here and everywhere, and what is begun later. From any thread.</summary>
    public void End(Exception cause)
    {
        _ended = cause;
        _pending?.Cancel(cause);
    }

    /// <summary>A view opens.</summary>
    public void Open()
    {
        Drop();
        _ended = null;
    }

    /// <summary>Takes the arrived shards into the table.</summary>
    /// <returns>The placement; null when no such change waits.</returns>
    public PlacementMap? Adopt(long view)
    {
        if (_pending is not { IsWhole: true } pending || pending.View != view)
        {
            return null;
        }

        foreach ((ExpertId expert, _) in pending.Arrived)
        {
            shards.Adopt(expert);
        }

        _pending = null;
        pending.Dispose();
        return pending.Map;
    }

    /// <summary>Forgets a change that will not be adopted, and frees its copies.</summary>
    public void Drop()
    {
        if (_pending is not { } pending)
        {
            return;
        }

        pending.Cancel(new OperationCanceledException("The change of placement was abandoned."));
        pending.Conclude(worker);
        _pending = null;
        pending.Dispose();
        shards.DropArrived();
    }

    /// <summary>Frees shards that live elsewhere now, beside the work that goes on.</summary>
    public void Release(Predicate<ExpertId> belongs)
    {
        IReadOnlyList<ParameterBlock> gone = shards.Detach(expert => !belongs(expert));
        if (gone.Count > 0)
        {
            copies(() =>
            {
                foreach (ParameterBlock block in gone)
                {
                    shards.Free(block);
                }
            });
        }
    }
}
