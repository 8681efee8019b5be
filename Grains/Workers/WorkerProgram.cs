using System.Globalization;
using MoEActors.Grains.Checkpoints;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Workers;

/// <summary>What a worker does for each kind of order. Every member of the epoch runs the same order at the same time.</summary>
internal static class WorkerProgram
{
    /// <summary>Runs one order on the executor thread.</summary>
    public static WorkerReport Run(WorkOrder order, WorkerModel model, EpochView view) =>
        order switch
        {
            PrepareOrder prepare when model.Layer is not null => LayerProgram.Prepare(prepare, model, view),
            PrepareOrder prepare => Prepare(prepare, model, view),
            CommitOrder commit => Commit(commit, model, view),
            AbortOrder abort => Abort(abort, model, view),
            ForwardOrder forward => LayerProgram.Forward(forward, model, view),
            BackwardOrder backward => LayerProgram.Backward(backward, model, view),
            SwitchOrder change => Switch(change, model, view),
            LocateOrder locate => new WorkerReport
            {
                Rank = view.Rank,
                NonFinite = model.Locate(locate.Step, locate.MicroBatches, locate.Targets, Own(locate.Batches, view)),
            },
            GateOrder gates => Configure(gates, model, view),
            EvaluateOrder evaluate => new WorkerReport
            {
                Rank = view.Rank,
                Losses = model.Evaluate(evaluate.MicroBatches, Own(evaluate.Batches, view)),
            },
            GenerateOrder generate => Generation.Run(generate, view),
            SaveOrder save => Save(save, model, view),
            CalibrateOrder => Calibrate(model, view),
            FingerprintOrder => new WorkerReport { Rank = view.Rank, Blocks = Fingerprint.Of(model) },
            _ => throw new NotSupportedException($"A worker does not know the order {order.GetType().Name}."),
        };

    private static WorkerReport Save(SaveOrder order, WorkerModel model, EpochView view)
    {
        try
        {
            return new WorkerReport { Rank = view.Rank, Blocks = CheckpointWriter.Write(model.Files, order, model, view) };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new WorkerReport { Rank = view.Rank, Complaint = $"rank {view.Rank} could not write to '{order.Folder}': {e.Message}" };
        }
    }

    private static WorkerReport Switch(SwitchOrder order, WorkerModel model, EpochView view)
    {
        if (model.Prepared != 0)
        {
            throw new InvalidOperationException($"Step {model.Prepared} is prepared and undecided: a change of placement without a step must wait for it.");
        }

        model.BeginSwitch(order, order.Switch, besideStep: false);
        return new WorkerReport { Rank = view.Rank, Switch = model.Switchover.Conclude() };
    }

    private static WorkerReport Calibrate(WorkerModel model, EpochView view)
    {
        using var calibration = new ExpertCalibration(model.Device, view.Communicator, view.Model.Configuration);
        return new WorkerReport { Rank = view.Rank, Calibration = calibration.Measure() };
    }

    private static WorkerReport Configure(GateOrder order, WorkerModel model, EpochView view)
    {
        try
        {
            model.Configure([.. order.Gates.Select(gate => gate.ToPolicy())]);
            return new WorkerReport { Rank = view.Rank };
        }
        catch (ArgumentException e)
        {
            return new WorkerReport { Rank = view.Rank, Complaint = e.Message };
        }
    }

    private static WorkerReport Prepare(PrepareOrder order, WorkerModel model, EpochView view)
    {
        model.Switchover.Drop();
        if (order.Switch is { } change)
        {
            model.BeginSwitch(order, change, besideStep: true);
        }

        Dictionary<int, MicroBatch> mine = Own(order.Batches, view);
        long before = GC.GetAllocatedBytesForCurrentThread();
        double norm;
        model.Times.Clock.Start(Phase.Gradients);
        try
        {
            norm = model.Prepare(order.Step, order.MicroBatches, order.Targets, mine);
        }
        finally
        {
            model.Times.Clock.Stop();
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        RoutingStatistics routing = model.PublishRouting();
        return new WorkerReport
        {
            Rank = view.Rank,
            Losses = model.Losses(),
            GradientNorm = norm,
            KeptTokens = routing.Kept,
            ChosenTokens = routing.Chosen,
            AllocatedBytes = allocated,
            Timing = model.Times.Take(),
            Switch = model.Switchover.Conclude(),
            Routers = routing.Routers,
            AuxiliaryLosses = routing.Losses,
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

            model.Times.Clock.Start(Phase.Update);
            try
            {
                model.Commit(order.Step);
            }
            finally
            {
                model.Times.Clock.Stop();
            }
        }

        if (order.Adopt != 0)
        {
            model.Adopt(order.Adopt);
        }
        else
        {
            model.Switchover.Drop();
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
