using Microsoft.Extensions.Logging;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Grains.Training;

/// <summary>
/// Runs one model in one term: drives steps and other work of the whole cluster, one piece at a time, each in an open view. A new coordinator takes
/// the inventory and goes on from what the survivors hold.
/// </summary>
internal sealed class Coordinator
{
    private readonly string _model;
    private readonly RunEvents _events;
    private readonly RunFeed _feed;
    private readonly SiloNames _silos;
    private readonly Members _members;
    private readonly MemoryAdmission _memory;
    private readonly PlacementChangeProtocol _changes;
    private readonly BatchLog _batches;
    private readonly CommitProtocol _commits;
    private readonly StepProtocol _steps;
    private readonly PlanExecution _plans;
    private readonly DirectorControl _director;
    private readonly ClusterWork _work;
    private readonly GatePolicies _gates;
    private readonly ParallelismControl _parallelism;
    private readonly ViewKeeper _views;
    private readonly ModelDeletion _deletion;
    private readonly RunStop _stop;
    private readonly SnapshotKeeper _snapshots;
    private readonly SiloDrain _drain;

    public Coordinator(
        string model, IRunStore store, IWorkerHostClient hosts, ISiloStatusOracle silos, IGrainFactory grains, IFileStore files, CheckpointPlaces places,
        SnapshotOptions snapshots, CoordinatorTerm term, ModelKinds kinds, RunFeed feed, ILogger logger)
    {
        _model = model;
        Term = term;
        Run = term.Record.Configuration.Using(kinds);
        _feed = feed;
        _events = new RunEvents(logger, model, () => term.Record, feed);
        term.Forgotten = step => _events.StoreBehind(step, term.Record.Step);
        _silos = new SiloNames(silos);
        _members = new Members(hosts, model, term.Number, _events);
        _memory = new MemoryAdmission(Run, _members, term);
        _batches = new BatchLog(store, term, model);
        _director = new DirectorControl(_members, term, _events);
        _gates = new GatePolicies(_members, term, Run, _events);
        _parallelism = new ParallelismControl(_members, term, _director, _memory, Run, _events);
        _work = new ClusterWork(_members, term, _memory, _parallelism, Run, files, places, model, _events);
        _commits = new CommitProtocol(_silos, _members, term, model, _events);
        _snapshots = new SnapshotKeeper(_members, term, store, Run, files, places, snapshots, model, _events);
        _steps = new StepProtocol(_members, _commits, _snapshots, term, _parallelism, Run, model, _events);
        var activation = new GrainActivation(grains, Run, model);
        _changes = new PlacementChangeProtocol(_members, _commits, activation, term, _memory, model, _events);
        _plans = new PlanExecution(grains, _members, _changes, term, _memory, Run, model);
        var candidates = new ViewCandidates(_silos, _members, term, _events);
        var recovery = new RunRecovery(_members, _steps, _commits, _snapshots, _memory, term, store, Run, model, _events);
        var opening = new ViewOpening(
            _silos, candidates, _members, _commits, _changes, activation, recovery, _snapshots, term, _memory, Run, _events);
        _deletion = new ModelDeletion(_silos, _members, activation, _snapshots, term, grains, model, _events);
        _views = new ViewKeeper(candidates, _members, _commits, opening, _gates, _snapshots, term, Run, _events);
        _drain = new SiloDrain(_silos, _members, _changes, _views, term, _events);
        _stop = new RunStop(_silos, _views, _members, activation, _snapshots, term, _events);
    }

    /// <summary>Its hold on the run.</summary>
    public CoordinatorTerm Term { get; }

    /// <summary>The run.</summary>
    public RunConfiguration Run { get; }

    /// <summary>Opens a view, or goes on with the one that is open. A run that was stopped goes on.</summary>
    /// <param name="wanted">A placement wished for; null for the one that there was.</param>
    public async Task<WorkOutcome> OpenAsync(PlacementRequest? wanted)
    {
        await FlushAsync();
        ViewOutcome outcome = await _views.OpenAsync(wanted);
        await _stop.LiftAsync();
        return outcome;
    }

    /// <summary>
    /// Checks a batch and logs it before anything runs. One that is logged already stays. False when the step is beyond the next one by what is
    /// written down, and the members have not been asked yet: a store can have forgotten steps that they have committed. Then <see cref="LogLateAsync"/> logs it.
    /// </summary>
    /// <exception cref="InvalidRequestException">The batch does not fit the run.</exception>
    /// <exception cref="StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="StaleCommandException">The step is beyond the next one.</exception>
    /// <exception cref="RunStoppedException">The run was stopped before the step.</exception>
    public async Task<bool> TryLogAsync(StepRequest request)
    {
        RequestChecks.Batch(request, Run);
        if (request.Step > Term.Record.Step)
        {
            RequireGoing();
        }

        if (Term.Record.InferenceOnly)
        {
            RequestChecks.Inference(request: null, _model);
        }

        if (!_views.IsOpen && Term.Record.Map is not null && _batches.IsBeyond(request.Step))
        {
            return false;
        }

        await _batches.AddAsync(request);
        return true;
    }

    /// <summary>Logs a batch once a view is open.</summary>
    /// <exception cref="StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="StaleCommandException">The step is beyond the next one.</exception>
    public async Task LogLateAsync(StepRequest request)
    {
        await _views.OpenAsync(wanted: null);
        await _batches.AddAsync(request);
    }

    /// <summary>Runs a logged step.</summary>
    public async Task<WorkOutcome> StepAsync(StepRequest batch)
    {
        if (_batches.OutcomeOf(batch) is { } known)
        {
            return known;
        }

        try
        {
            RequireGoing();
            return await _events.TraceStepAsync(batch.Step, () => InViewAsync(async () =>
            {
                await _memory.RequireStepAsync(batch.Batches);
                await _parallelism.MeasureAsync();
                PendingPlacementChange? change = await _plans.NextAsync();
                StepOutcome outcome = await _steps.RunAsync(batch, change);
                _plans.Committed(batch.Step, change);
                _plans.Report(outcome, change);
                return outcome;
            }));
        }
        catch (Exception e)
        {
            _batches.Free(batch.Step);
            _events.StepAborted(batch.Step, e);
            if (e is not MemoryRefusedException)
            {
                _plans.Failed(e.Message);
            }

            throw;
        }
    }

    /// <summary>Whether the model should be there and is not: no view of it is open, or one that has lost a member.</summary>
    public bool IsAsleep => !Term.Record.IsStopped && Term.Record.View > 0 && !_views.IsWhole;

    /// <summary>Brings the model back, whether or not anybody asks for it.</summary>
    public async Task<WorkOutcome> WakeAsync()
    {
        try
        {
            return await InViewAsync(_views.WakeAsync);
        }
        catch (Exception e) when (e is not StaleCommandException)
        {
            _events.NotWoken(e);
            throw;
        }
    }

    /// <summary>Throws unless the work can be done.</summary>
    /// <exception cref="InvalidRequestException">Saying what does not fit.</exception>
    public void Validate(WorkRequest request)
    {
        RequestChecks.Work(request, Run);
        if (request is SnapshotRequest && !_snapshots.IsOn)
        {
            throw new InvalidRequestException($"Snapshots of model '{_model}' are off, by the silos' snapshot interval or because it was opened for inference.");
        }

        if (Term.Record.InferenceOnly)
        {
            RequestChecks.Inference(request, _model);
        }
    }

    /// <summary>Runs other work of the whole cluster.</summary>
    public async Task<WorkOutcome> WorkAsync(WorkRequest request)
    {
        await FlushAsync();
        switch (request)
        {
            case StopRequest:
                return await _stop.RunAsync();
            case ProgressRequest:
                return await ProgressAsync();
        }

        RequireGoing();
        return await InViewAsync<WorkOutcome>(async () => request switch
        {
            MoveRequest move => await MoveAsync(move),
            DirectRequest direct => await _director.ChangeAsync(direct),
            ConfigureGateRequest gate => await _gates.ChangeAsync(gate),
            ConfigureParallelismRequest parallelism => await _parallelism.ChangeAsync(parallelism.Layer, parallelism.Parallelism),
            TuneParallelismRequest tune => await _parallelism.ChangeAsync(tune.Layer, parallelism: null),
            SnapshotRequest => await SnapshotAsync(),
            DrainRequest drain => await _drain.ChangeAsync(drain),
            _ => await _work.RunAsync(request),
        });
    }

    /// <summary>Ends the run: nothing of it is left in the cluster, and its name is free.</summary>
    public Task<DeleteOutcome> DeleteAsync() => _deletion.RunAsync();

    /// <summary>Tells the members what waits for the next step to take it along. To be called when none is waiting.</summary>
    public Task FlushAsync() => _commits.FlushAsync();

    /// <summary>Takes a plan of the director.</summary>
    public async Task<ProposalAnswer> ProposeAsync(PlanProposal proposal) => new(await _plans.TakeAsync(proposal), Term.Record.Step);

    /// <summary>What is new for somebody who watches.</summary>
    public RunNews Read(FeedPosition position) => _feed.Read(position, Status(), _members.Device);

    /// <summary>How the model is doing.</summary>
    public TrainingStatus Status()
    {
        RunRecord record = Term.Record;
        PlacementMap? map = _members.Map;
        WorkerId[] workers = map is null ? [] : [.. map.Workers];
        return new TrainingStatus
        {
            Model = _model,
            Run = record.Run,
            IsStopped = record.IsStopped,
            Term = record.Term,
            View = map is null ? 0 : _members.View,
            Step = record.Step,
            Configuration = record.Configuration,
            SnapshotStep = _snapshots.Newest.Step,
            Director = record.Director,
            DirectorRevision = record.DirectorRevision,
            Calibration = record.Calibration,
            Map = map is null ? null : record.Map,
            Gates = record.Gates,
            Parallelism = _parallelism.Layers,
            Tuning = _parallelism.Reasons,
            TransientCopies = record.LastOutcomes is [.., { } last] ? last.TransientCopies : [],
            Drained = record.Drained,
            Memory = [.. workers.Select(_members.MemoryOf)],
            SiloNames = [.. workers.Select(worker => _silos.Of(worker.Silo) ?? "")],
        };
    }

    private async Task<T> InViewAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await _views.RunAsync(work);
        }
        catch (RolledBackException e)
        {
            _batches.Free(e.Step + 1);
            throw;
        }
    }

    private void RequireGoing()
    {
        if (Term.Record.IsStopped)
        {
            throw new RunStoppedException(_model, Term.Record.Step);
        }
    }

    private async Task<WorkOutcome> ProgressAsync()
    {
        if (!Term.Record.IsStopped)
        {
            await _views.ResumeAsync();
        }

        return new ProgressOutcome(Term.Record.Step);
    }

    private async Task<SnapshotOutcome> SnapshotAsync()
    {
        await _snapshots.TakeAsync();
        return new SnapshotOutcome(Term.Record.Step);
    }

    private async Task<ViewOutcome> MoveAsync(MoveRequest move)
    {
        await _changes.MoveAsync(move);
        return _views.Outcome;
    }
}
