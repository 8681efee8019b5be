using System.Globalization;
using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Checkpoints;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Host;

/// <summary>
/// What a worker does for each command, on its executor thread. Every member of the view runs the same command at the same time. What depends on the
/// kind of model is its <see cref="StepProgram"/>'s.
/// </summary>
internal static class CommandExecution
{
    /// <summary>Runs one command of the open view.</summary>
    public static WorkerReport Run(CommandHeader header, Command command, WorkerModel model, WorkerServices services) => command switch
    {
        PrepareCommand prepare => Prepare(header, prepare, model),
        CommitCommand commit => Commit(commit, model),
        AbortCommand abort => Abort(abort, model),
        ForwardCommand forward => model.Program.Forward(forward),
        BackwardCommand backward => model.Program.Backward(backward),
        EvaluateCommand evaluate => model.Program.Evaluate(evaluate),
        GenerateCommand generate => model.Program.Generate(generate),
        LocateCommand locate => Locate(locate.Share, model),
        PlacementChangeCommand change => Change(header, change, model),
        ConfigureGatesCommand gates => Configure(gates, model),
        SaveCommand save => Save(save, model, services),
        SnapshotCommand snapshot => Snapshot(header, snapshot, model),
        FinishSnapshotCommand finish => Finish(finish, model),
        CalibrateCommand => Calibrate(model),
        FingerprintCommand => new FingerprintReport(Fingerprint.Of(model.Device, model.Parameters)) { Rank = model.View!.Rank },
        _ => throw new NotSupportedException($"A worker does not know the command {command.GetType().Name}."),
    };

    private static StepReport Prepare(CommandHeader header, PrepareCommand command, WorkerModel model)
    {
        model.Changes.Drop();
        if (command.Change is { } change)
        {
            model.BeginChange(header, change, besideStep: true);
        }

        // What went to others before, in an evaluation or a pass that was given up, is not this step's.
        model.Program.Wiring.TakeSent();
        if (model.Run.Model.Backbone != Backbone.None)
        {
            // A layer alone has made its passes before it prepares.
            model.Program.Wiring.TakeCopies(model.Run.Model.Layers);
        }

        StepShare share = command.Share;
        string? refusal = model.Times.Measure(Phase.Gradients, () => model.Program.Prepare(share), out long allocated);
        if (refusal is not null)
        {
            model.Changes.Drop();
            return new StepReport { Rank = model.View!.Rank, Refusal = StepProgram.Named(refusal, model.View) };
        }

        RoutingStatistics routing = model.Gradients.Counts.Publish(share.Step);
        return new StepReport
        {
            Rank = model.View!.Rank,
            Losses = model.Program.Losses,
            GradientNorm = model.Gradients.Norm,
            KeptTokens = routing.Kept,
            ChosenTokens = routing.Chosen,
            Routers = routing.Routers,
            AuxiliaryLosses = routing.Losses,
            AllocatedBytes = allocated,
            Timing = model.Times.Take(model.Program.Wiring.TakeSent()),
            Copies = model.Program.Wiring.TakeCopies(model.Run.Model.Layers),
            Arrivals = model.Changes.Conclude(),
            Snapshot = model.Snapshots!.Take(),
        };
    }

    private static DoneReport Commit(CommitCommand command, WorkerModel model)
    {
        // Sent again by a coordinator that could not know: the step is committed here already.
        if (model.Parameters.Version != command.Step)
        {
            if (model.Gradients.Prepared != command.Step)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Step {command.Step} cannot be committed: step {model.Gradients.Prepared} is prepared and {model.Parameters.Version} committed."));
            }

            model.Times.Clock.Start(Phase.Update);
            try
            {
                model.Commit(command.Step);
            }
            finally
            {
                model.Times.Clock.Stop();
            }
        }

        if (command.Adopt != 0)
        {
            model.Adopt(command.Adopt);
        }
        else
        {
            model.Changes.Drop();
        }

        return new DoneReport { Rank = model.View!.Rank };
    }

    private static DoneReport Abort(AbortCommand command, WorkerModel model)
    {
        if (model.Gradients.Prepared == command.Step)
        {
            model.Abort();
        }

        return new DoneReport { Rank = model.View!.Rank };
    }

    private static LocateReport Locate(StepShare share, WorkerModel model)
    {
        // The search adds up gradients of its own.
        model.Gradients.Drop();
        var search = new NonFiniteSearch(model.Device, model.Gradients);
        return new LocateReport(search.Run(share.MicroBatches, index => model.Program.Repeat(share, index))) { Rank = model.View!.Rank };
    }

    private static PlacementChangeReport Change(CommandHeader header, PlacementChangeCommand command, WorkerModel model)
    {
        if (model.Gradients.Prepared != 0)
        {
            throw new InvalidOperationException($"Step {model.Gradients.Prepared} is prepared and undecided: a change of placement without a step must wait for it.");
        }

        model.BeginChange(header, command.Change, besideStep: false);
        return new PlacementChangeReport(model.Changes.Conclude()!) { Rank = model.View!.Rank };
    }

    private static GatesReport Configure(ConfigureGatesCommand command, WorkerModel model)
    {
        int rank = model.View!.Rank;
        try
        {
            model.Gates.Apply(command.Gates, model.Program.Model);
            return new GatesReport(Error: null) { Rank = rank };
        }
        catch (ArgumentException e)
        {
            return new GatesReport(e.Message) { Rank = rank };
        }
    }

    private static SaveReport Save(SaveCommand command, WorkerModel model, WorkerServices services)
    {
        int rank = model.View!.Rank;
        try
        {
            string folder = services.Places.Resolve(command.Place);
            CheckpointFile[] files = [.. ShardWriter.Write(services.Files, folder, command.Tag, model.Parameters, model.View.Map, rank)];
            return new SaveReport(files, Error: null) { Rank = rank };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            return new SaveReport([], $"rank {rank} could not write to '{command.Place}': {e.Message}") { Rank = rank };
        }
    }

    private static DoneReport Snapshot(CommandHeader header, SnapshotCommand command, WorkerModel model)
    {
        // One that comes late, to a worker that has gone on or back meanwhile, is of no step any more.
        if (model.Parameters.Version == command.Step)
        {
            model.BeginSnapshot(header, command);
        }

        return new DoneReport { Rank = model.View!.Rank };
    }

    private static SnapshotReport Finish(FinishSnapshotCommand command, WorkerModel model)
    {
        SnapshotPart? part = model.Snapshots!.Finish();
        return new SnapshotReport(part?.Tag == command.Tag ? part : null) { Rank = model.View!.Rank };
    }

    private static CalibrateReport Calibrate(WorkerModel model)
    {
        using var calibration = new ExpertCalibration(model.Device, model.View!.Communicator, model.Run.Model);
        return new CalibrateReport(calibration.Measure()) { Rank = model.View.Rank };
    }
}
