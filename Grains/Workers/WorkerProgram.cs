using System.Globalization;
using MoEActors.Grains.Checkpoints;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Workers;

/// <summary>What a worker does for each kind of order. Every member of the epoch runs the same order at the same time.</summary>
internal static class WorkerProgram
{
    /// <summary>Runs one order on the executor thread.</summary>
    public static WorkerReport Run(WorkOrder order, WorkerModel model, EpochView view)
    {
        model.ReleaseMoved();
        return order switch
        {
            PrepareOrder prepare when model.Layer is not null => LayerProgram.Prepare(prepare, model, view),
            PrepareOrder prepare => Prepare(prepare, model, view),
            CommitOrder commit => Commit(commit, model, view),
            AbortOrder abort => Abort(abort, model, view),
            ForwardOrder forward => LayerProgram.Forward(forward, model, view),
            BackwardOrder backward => LayerProgram.Backward(backward, model, view),
            TransferOrder transfer => Transfer(transfer, model, view),
            EvaluateOrder evaluate => new WorkerReport
            {
                Rank = view.Rank,
                Losses = model.Evaluate(evaluate.MicroBatches, Own(evaluate.Batches, view)),
            },
            GenerateOrder generate => new WorkerReport { Rank = view.Rank, Tokens = Generation.Run(generate, view) },
            SaveOrder save => Save(save, model, view),
            FingerprintOrder => new WorkerReport { Rank = view.Rank, Blocks = Fingerprint.Of(model) },
            _ => throw new NotSupportedException($"A worker does not know the order {order.GetType().Name}."),
        };
    }

    private static WorkerReport Save(SaveOrder order, WorkerModel model, EpochView view)
    {
        try
        {
            return new WorkerReport { Rank = view.Rank, Blocks = CheckpointWriter.Write(model.Files, order.Folder, model, view) };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new WorkerReport { Rank = view.Rank, Complaint = $"rank {view.Rank} could not write to '{order.Folder}': {e.Message}" };
        }
    }

    private static WorkerReport Transfer(TransferOrder order, WorkerModel model, EpochView view)
    {
        model.Transfer([.. order.Moves.Select(move => move.ToTransfer())]);
        return new WorkerReport { Rank = view.Rank };
    }

    private static WorkerReport Prepare(PrepareOrder order, WorkerModel model, EpochView view)
    {
        Dictionary<int, MicroBatch> mine = Own(order.Batches, view);
        long before = GC.GetAllocatedBytesForCurrentThread();
        double norm = model.Prepare(order.Step, order.MicroBatches, order.Targets, mine);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return new WorkerReport
        {
            Rank = view.Rank,
            Losses = model.Losses(),
            GradientNorm = norm,
            KeptTokens = model.Counts.Kept(),
            ChosenTokens = model.Counts.Chosen(),
            AllocatedBytes = allocated,
        };
    }

    private static WorkerReport Commit(CommitOrder order, WorkerModel model, EpochView view)
    {
        // Sent again by a coordinator that could not know: the step is committed here already.
        if (model.Version != order.Step)
        {
            if (model.Prepared != order.Step)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Step {order.Step} cannot be committed: step {model.Prepared} is prepared and {model.Version} committed."));
            }

            model.Commit(order.Step);
        }

        return new WorkerReport { Rank = view.Rank };
    }

    private static WorkerReport Abort(AbortOrder order, WorkerModel model, EpochView view)
    {
        if (model.Prepared == order.Step)
        {
            model.Abort();
        }

        return new WorkerReport { Rank = view.Rank };
    }

    private static Dictionary<int, MicroBatch> Own(MicroBatchMessage[] batches, EpochView view) =>
        batches
            .Where(batch => batch.Index % view.Map.Workers.Length == view.Rank)
            .ToDictionary(batch => batch.Index, batch => new MicroBatch(batch.Inputs, batch.Targets, batch.SequenceLength));
}
