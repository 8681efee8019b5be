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
    public static WorkerReport Run(OrderHead head, WorkOrder order, WorkerModel model, EpochView view) =>
        order switch
        {
            PrepareOrder prepare => Prepare(head, prepare, model, view),
            CommitOrder commit => Commit(commit, model, view),
            AbortOrder abort => Abort(abort, model, view),
            ForwardOrder forward => LayerProgram.Forward(forward, model, view),
            BackwardOrder backward => LayerProgram.Backward(backward, model, view),
            SwitchOrder change => Switch(head, change, model, view),
            LocateOrder locate => Locate(locate.Share, model, view),
            GateOrder gates => Configure(gates, model, view),
            EvaluateOrder evaluate => new WorkerReport
            {
                Rank = view.Rank,
                Losses = model.Decoder.Evaluate(view, evaluate.MicroBatches, Own(evaluate.Batches, view)),
            },
            GenerateOrder generate => Generation.Run(generate, view),
            SaveOrder save => Save(save, model, view),
            CalibrateOrder => Calibrate(model, view),
            FingerprintOrder => new WorkerReport { Rank = view.Rank, Blocks = Fingerprint.Of(model) },
            _ => throw new NotSupportedException($"A worker does not know the order {order.GetType().Name}."),
        };

    private static WorkerReport Locate(StepShare share, WorkerModel model, EpochView view)
    {
        // The search adds up gradients of its own.
        model.Gradients.Drop();
        var search = new NonFiniteSearch(model.Device, view, model.Gradients);
        return new WorkerReport { Rank = view.Rank, NonFinite = search.Run(share.Step, share.MicroBatches, share.Targets, Own(share.Batches, view)) };
    }

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

    private static WorkerReport Switch(OrderHead head, SwitchOrder order, WorkerModel model, EpochView view)
    {
        if (model.Gradients.Prepared != 0)
        {
            throw new InvalidOperationException($"Step {model.Gradients.Prepared} is prepared and undecided: a change of placement without a step must wait for it.");
        }

        model.BeginSwitch(head, order.Switch, besideStep: false);
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
            model.Gates.Apply([.. order.Gates.Select(gate => gate.ToPolicy())], view.Model);
            return new WorkerReport { Rank = view.Rank };
        }
        catch (ArgumentException e)
        {
            return new WorkerReport { Rank = view.Rank, Complaint = e.Message };
        }
    }

    private static WorkerReport Prepare(OrderHead head, PrepareOrder order, WorkerModel model, EpochView view)
    {
        model.Switchover.Drop();
        if (order.Switch is { } change)
        {
            model.BeginSwitch(head, change, besideStep: true);
        }

        StepShare share = order.Share;
        Dictionary<int, MicroBatch> mine = Own(share.Batches, view);
        string? refusal = null;
        long before = GC.GetAllocatedBytesForCurrentThread();
        model.Times.Clock.Start(Phase.Gradients);
        try
        {
            if (model.Layer is { } layer)
            {
                refusal = layer.Prepare(share);
            }
            else
            {
                model.Decoder.Prepare(view, share.Step, share.MicroBatches, share.Targets, mine);
            }
        }
        finally
        {
            model.Times.Clock.Stop();
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (refusal is not null)
        {
            model.Switchover.Drop();
            return LayerProgram.Refused(refusal, view);
        }

        RoutingStatistics routing = model.Gradients.Counts.Publish(share.Step);
        return new WorkerReport
        {
            Rank = view.Rank,
            Losses = model.Layer?.StepLosses ?? model.Decoder.Losses,
            GradientNorm = model.Gradients.Norm,
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
        if (model.Parameters.Version != order.Step)
        {
            if (model.Gradients.Prepared != order.Step)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Step {order.Step} cannot be committed: step {model.Gradients.Prepared} is prepared and {model.Parameters.Version} committed."));
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
        if (model.Gradients.Prepared == order.Step)
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
