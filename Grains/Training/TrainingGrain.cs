using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Parallelism;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Checkpoints;
using MoEActors.Placement.Parallelism;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Training;

/// <summary>
/// What clients reach of one model's <see cref="Coordinator"/>: takes work, runs it piece by piece behind the calls, and hands out outcomes to whoever
/// polls. It holds no tensor, and any activation can take over from the store and the hosts.
/// </summary>
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
[Immovable]
public sealed class TrainingGrain(
    IRunStore store, IWorkerHostClient hosts, ISiloStatusOracle silos, IFileStore files, CheckpointPlaces places, SnapshotOptions snapshots, ModelKinds kinds,
    LiveRuns live, ILogger<TrainingGrain> logger)
    : Grain, ITrainingGrain, ITrainingProtocol, IRunFeedGrain
{
    private readonly WorkQueue _queue = new();
    private readonly RunFeed _feed = new();
    private Coordinator? _coordinator;
    private bool _ending;

    private string Model => this.GetPrimaryKeyString();

    private HostTerms Hosts => new(hosts, silos, Model);

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        GrainKeys.ValidateModelName(Model);
        if (await CoordinatorTerm.TakeAsync(store, Model, Hosts.HighestAsync, cancellationToken) is { } term)
        {
            RunLog.TermTaken(logger, Model, term.Number, term.Record.Step, term.Record.View);
            Begin(term);
        }
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        live.End(Model);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<long> CreateAsync(RunConfiguration configuration, PlacementRequest? placement)
    {
        RequireNotEnding();
        RunConfiguration run = Validated(configuration);
        if (_coordinator is null)
        {
            await RequireUnknownAsync();
            Begin(await CoordinatorTerm.BeginAsync(store, Model, new RunRecord { Configuration = run }));
            RunLog.ModelCreated(logger, Model, _coordinator!.Term.Number, run.Model.Experts.Sum(), run.Model.Layers);
        }
        else if (_coordinator.Run.ToJson() != run.ToJson())
        {
            CoordinatorTerm term = _coordinator.Term;
            if (!term.IsUntouched || !_queue.IsIdle)
            {
                throw new InvalidRequestException(
                    $"Model '{Model}' exists with another configuration. Open it with its own, or choose another name.");
            }

            // It was refused, for its memory perhaps: the name is free for what may fit.
            await term.WriteAsync(term.Record with { Configuration = run });
            Begin(term);
            RunLog.ModelCreated(logger, Model, term.Number, run.Model.Experts.Sum(), run.Model.Layers);
        }

        return Queue(coordinator => coordinator.OpenAsync(placement));
    }

    /// <inheritdoc />
    public Task<long> RestoreAsync(string place, PlacementRequest? placement) => RestoreAsync(place, placement, inferenceOnly: false);

    /// <inheritdoc />
    public Task<long> RestoreForInferenceAsync(string place, PlacementRequest? placement) => RestoreAsync(place, placement, inferenceOnly: true);

    /// <inheritdoc />
    public async Task<long> SubmitStepAsync(StepRequest request)
    {
        Coordinator existing = Existing();
        bool isLogged = await UnlessReplaced(existing, () => existing.TryLogAsync(request));
        return Queue(async coordinator =>
        {
            if (!isLogged)
            {
                await coordinator.LogLateAsync(request);
            }

            return await coordinator.StepAsync(request);
        });
    }

    /// <inheritdoc />
    public Task<long> SubmitAsync(WorkRequest request)
    {
        Existing().Validate(request);
        return Task.FromResult(Queue(coordinator => coordinator.WorkAsync(request)));
    }

    /// <inheritdoc />
    public Task<long> DeleteAsync()
    {
        if (_coordinator is null)
        {
            return Task.FromResult(_queue.Add(term: 0, async () => new DeleteOutcome(Existed: await Hosts.ForgetAsync())));
        }

        // Asked for twice, the second one finds that it is done.
        long ticket = _ending ? _queue.Add(_coordinator.Term.Number, () => Task.FromResult<WorkOutcome>(new DeleteOutcome(Existed: false))) : Queue(EndAsync);
        _ending = true;
        return Task.FromResult(ticket);
    }

    /// <inheritdoc />
    public async Task<WorkOutcome?> WaitAsync(long ticket, TimeSpan slice)
    {
        if (_queue.Find(ticket) is not { } work)
        {
            throw new TicketLostException(
                $"Model '{Model}' knows no ticket {ticket}: its coordinator has started anew. Ask for the work again; a step that is logged runs once.");
        }

        await ((Task)work).WaitAsync(slice).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return work.IsCompleted ? await work : null;
    }

    /// <inheritdoc />
    public Task<TrainingStatus> GetStatusAsync() => Task.FromResult(Existing().Status());

    /// <inheritdoc />
    public Task<RunNews> ReadAsync(FeedPosition position) => Task.FromResult(Existing().Read(position));

    /// <inheritdoc />
    public Task<bool> WakeAsync()
    {
        bool isAwake = _ending || _coordinator is not { IsAsleep: true };
        if (!isAwake && _queue.IsIdle)
        {
            // Work that is being done finds a view for itself.
            Queue(coordinator => coordinator.WakeAsync());
        }

        return Task.FromResult(isAwake);
    }

    /// <inheritdoc />
    public Task<ProposalAnswer> ProposeAsync(PlanProposal proposal) => Existing().ProposeAsync(proposal);

    private async Task<long> RestoreAsync(string place, PlacementRequest? placement, bool inferenceOnly)
    {
        RequireNotEnding();
        if (_coordinator is { Term.Record: var record } && (record.Checkpoint != place || record.InferenceOnly != inferenceOnly))
        {
            throw new InvalidRequestException($"Model '{Model}' exists. Open it, or restore the checkpoint under another name.");
        }

        if (_coordinator is null)
        {
            await RequireUnknownAsync();
            using Activity? activity = RunEvents.Activities.StartActivity("moe.checkpoint.restore")?.SetTag("model", Model);

            // All of it, before the name is taken: a model that cannot be loaded must not stand in the way of one that can.
            CheckpointFolder checkpoint = ReadCheckpoint(place, moments: !inferenceOnly);
            SavedParallelism? parallelism = ParallelismOf(checkpoint, place);
            Begin(await CoordinatorTerm.BeginAsync(store, Model, new RunRecord
            {
                Configuration = checkpoint.Run,
                Step = checkpoint.Step,
                Checkpoint = place,
                CheckpointStep = checkpoint.Step,
                InferenceOnly = inferenceOnly,
                Cursor = checkpoint.Cursor,
                Gates = [.. checkpoint.Gates],
                Parallelism = [.. parallelism?.Layers ?? []],
                TunedLayers = [.. parallelism?.Tuned ?? []],
                Tuning = checkpoint.Parallelism,
            }));
            RunLog.ModelRestored(logger, Model, _coordinator!.Term.Number, checkpoint.Step, place);
            if (!checkpoint.HasChecksums)
            {
                RunLog.CheckpointWithoutChecksums(logger, Model, _coordinator.Term.Number, place);
            }
        }

        return Queue(coordinator => coordinator.OpenAsync(placement));
    }

    private void Begin(CoordinatorTerm term)
    {
        _coordinator = new Coordinator(Model, store, hosts, silos, GrainFactory, files, places, snapshots, term, kinds, _feed, logger);
        RunMeter.Begin(Model);
        live.Begin(Model, new LiveRun(_feed, () => term.Record, snapshots.Interval > 0));
    }

    private async Task<WorkOutcome> EndAsync(Coordinator coordinator)
    {
        try
        {
            DeleteOutcome outcome = await coordinator.DeleteAsync();
            _coordinator = null;
            live.End(Model);
            return outcome;
        }
        finally
        {
            _ending = false;
        }
    }

    private long Queue(Func<Coordinator, Task<WorkOutcome>> work)
    {
        Coordinator coordinator = Existing();
        return _queue.Add(coordinator.Term.Number, () => UnlessReplaced(coordinator, async () =>
        {
            try
            {
                return await work(coordinator);
            }
            finally
            {
                if (!_queue.HasNext)
                {
                    await coordinator.FlushAsync();
                }
            }
        }));
    }

    /// <summary>Work of a coordinator that another one has replaced is lost here, not refused: whoever asks again reaches the other.</summary>
    private async Task<T> UnlessReplaced<T>(Coordinator coordinator, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (StaleCommandException)
        {
            if (!await coordinator.Term.IsOverAsync())
            {
                throw;
            }

            RunLog.TermLost(logger, Model, coordinator.Term.Number);
            live.End(Model);
            DeactivateOnIdle();
            throw new TicketLostException($"The coordinator of model '{Model}' has been replaced. Ask again; a step that is logged runs once.");
        }
    }

    private Coordinator Existing()
    {
        RequireNotEnding();
        return _coordinator ?? throw new ModelNotFoundException(Model);
    }

    private void RequireNotEnding()
    {
        if (_ending)
        {
            throw new InvalidRequestException($"Model '{Model}' is being deleted. Create it anew when that is done.");
        }
    }

    /// <summary>A model that silos hold and the store does not know must not be begun anew: the store has lost it.</summary>
    private async Task RequireUnknownAsync()
    {
        if (await Hosts.HighestAsync() > 0)
        {
            throw new InvalidRequestException(
                $"The store knows no model '{Model}', and silos hold one: the store has come back without it. Stop the cluster and bring the store back as it was, or delete the model, which frees what silos hold, and restore its last checkpoint.");
        }
    }

    private CheckpointFolder ReadCheckpoint(string place, bool moments)
    {
        try
        {
            var checkpoint = CheckpointFolder.Open(places.Resolve(place), kinds);
            checkpoint.RequireComplete(moments);
            return checkpoint;
        }
        catch (CheckpointException e)
        {
            throw new CheckpointFailedException(e.Message);
        }
    }

    private static SavedParallelism? ParallelismOf(CheckpointFolder checkpoint, string place)
    {
        try
        {
            SavedParallelism? saved = checkpoint.Parallelism is { } text ? SavedParallelism.Parse(text, checkpoint.Run.Model.Experts) : null;
            string? refusal = saved?.Layers.Select(choice => EngineChoices.Refusal(choice, checkpoint.Run)).FirstOrDefault(reason => reason is not null);
            return refusal is null ? saved : throw new FormatException($"its parallelism cannot be in its run: {refusal.TrimEnd('.')}");
        }
        catch (FormatException e)
        {
            throw new CheckpointFailedException($"The checkpoint in '{place}' cannot be used: {e.Message}.");
        }
    }

    private RunConfiguration Validated(RunConfiguration configuration)
    {
        try
        {
            RunConfiguration run = configuration.Using(kinds);
            run.Validate();
            return run;
        }
        catch (ModelConfigurationException e)
        {
            throw new InvalidRequestException(e.Message);
        }
    }
}
