using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Models;
using MoEActors.Placement;

namespace MoEActors.Grains.Training;

/// <summary>
/// Runs one model in one term: opens epochs, logs batches, drives steps and other work of the whole cluster, one piece at a time. A new
/// coordinator calls the roll and goes on from what the survivors hold.
/// </summary>
internal sealed class Coordinator
{
    private readonly string _model;
    private readonly IRunStore _store;
    private readonly ISiloStatusOracle _silos;
    private readonly Reign _reign;
    private readonly Members _members;
    private readonly MemoryCheck _memory;
    private readonly CommitProtocol _commits;
    private readonly SwitchProtocol _switching;
    private readonly EpochOpening _opening;
    private readonly StepProtocol _steps;
    private readonly PlanDesk _plans;
    private readonly ClusterWork _work;
    private readonly GatePolicies _gates;
    private long _logged;
    private bool _ended;

    public Coordinator(
        string model, IRunStore store, IWorkerHostClient hosts, ISiloStatusOracle silos, IGrainFactory grains, IFileStore files, Reign reign,
        ModelKinds kinds)
    {
        _model = model;
        _store = store;
        _silos = silos;
        _reign = reign;
        _members = new Members(hosts, model, reign.Term);
        Run = RunConfiguration.FromJson(reign.Record.Configuration, kinds);
        _memory = new MemoryCheck(Run, _members, reign);
        _commits = new CommitProtocol(silos, _members);
        var activation = new GrainActivation(grains, Run, model);
        _switching = new SwitchProtocol(_members, _commits, activation, reign, _memory, model);
        _opening = new EpochOpening(silos, _members, _commits, _switching, activation, reign, _memory, model);
        _plans = new PlanDesk(grains, _members, _switching, reign, _memory, Run, model);
        _steps = new StepProtocol(_members, _commits, reign, Run, model);
        _work = new ClusterWork(_members, reign, _memory, Run, files, model);
        _gates = new GatePolicies(_members, reign, Run);
        _logged = reign.Record.Step;
    }

    /// <summary>The run.</summary>
    public RunConfiguration Run { get; }

    /// <summary>Folder of the checkpoint that the run was restored from; null when it began with its seed.</summary>
    public string? CameFrom => _reign.Record.Checkpoint;

    /// <summary>Whether nothing has come of the run yet: no epoch was ever opened.</summary>
    public bool IsUntouched => _reign.Record is { Epoch: 0, Checkpoint: null };

    /// <summary>Gives an untouched run another configuration.</summary>
    /// <returns>The reign, for the coordinator that comes after this one.</returns>
    public async Task<Reign> ReplaceConfigurationAsync(RunConfiguration run)
    {
        await _reign.WriteAsync(_reign.Record with { Configuration = run.ToJson() });
        return _reign;
    }

    /// <summary>The term.</summary>
    public long Term => _reign.Term;

    /// <summary>Whether another coordinator has taken over.</summary>
    public async Task<bool> IsReplacedAsync() => await _store.ReadAsync(_model) is { } record && record.Term > Term;

    /// <summary>
    /// Opens an epoch, or goes on with the one that is open. Where no placement is wished for, experts stay where they were as long as those silos live.
    /// </summary>
    public async Task<WorkOutcome> OpenAsync(PlacementRequest? wanted)
    {
        if (await ResumeAsync() && wanted is null)
        {
            return Opened();
        }

        return await OpenNextAsync(wanted ?? (_reign.Record.Map is { } map && map.Silos.All(IsAlive) ? SamePlacement(map) : null));
    }

    /// <summary>Checks a batch and logs it before anything runs. One that is logged already stays.</summary>
    /// <exception cref="InvalidRequestException">The batch does not fit the run.</exception>
    /// <exception cref="StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="StaleCommandException">The step is beyond the next one.</exception>
    public async Task LogAsync(StepRequest request)
    {
        RequestChecks.Batch(request, Run);
        if (request.Step <= _reign.Record.Step)
        {
            return;
        }

        if (request.Step <= _logged)
        {
            StepRequest? logged = await _store.ReadBatchAsync(_model, request.Step);
            if (logged is not null && BatchDigest.Of(logged.Batches) != BatchDigest.Of(request.Batches))
            {
                throw new StepTakenException(_model, request.Step);
            }

            return;
        }

        if (request.Step != _logged + 1)
        {
            throw new StaleCommandException(
                $"Step {request.Step} of model '{_model}' is not the next one: {_reign.Record.Step} are committed and {_logged} logged. Open the model again to go on.");
        }

        await _store.WriteBatchAsync(_model, request);
        _logged = request.Step;
    }

    /// <summary>Runs a logged step.</summary>
    public async Task<WorkOutcome> StepAsync(StepRequest batch)
    {
        if (batch.Step <= _reign.Record.Step)
        {
            StepOutcome known = _reign.Record.LastOutcomes.FirstOrDefault(outcome => outcome.Step == batch.Step)
                ?? throw new StaleCommandException(
                    $"Step {batch.Step} of model '{_model}' was committed long ago; {_reign.Record.Step} are by now. Refresh the model.");
            return known.BatchDigest == BatchDigest.Of(batch.Batches) ? known : throw new StepTakenException(_model, batch.Step);
        }

        if (batch.Step != _reign.Record.Step + 1)
        {
            throw new StaleCommandException(
                $"Step {batch.Step} of model '{_model}' cannot run: {_reign.Record.Step} are committed, and an earlier step was refused.");
        }

        try
        {
            return await RunInEpochAsync(async () =>
            {
                await _memory.RequireStepAsync(batch.Batches);
                PlacementSwitch? change = await _plans.NextAsync();
                StepOutcome outcome = await _steps.RunAsync(batch, change);
                _plans.Committed(batch.Step, change);
                _plans.Report(outcome);
                return outcome;
            });
        }
        catch (Exception e)
        {
            // The step was not applied; its number is free for this batch or another.
            _logged = Math.Min(_logged, batch.Step - 1);
            if (e is not MemoryRefusedException)
            {
                _plans.Failed(e.Message);
            }

            throw;
        }
    }

    /// <summary>Throws unless the work can be done.</summary>
    /// <exception cref="InvalidRequestException">Saying what does not fit.</exception>
    public void Validate(WorkRequest request) => RequestChecks.Work(request, Run);

    /// <summary>Runs other work of the whole cluster.</summary>
    public Task<WorkOutcome> WorkAsync(WorkRequest request) => request switch
    {
        MoveRequest move => MoveAsync(move),
        DirectRequest direct => DirectAsync(direct),
        ProgressRequest => ProgressAsync(),
        ConfigureGateRequest gate => RunInEpochAsync<WorkOutcome>(async () => await _gates.ChangeAsync(gate)),
        _ => RunInEpochAsync(() => _work.RunAsync(request)),
    };

    /// <summary>Takes a plan of the director.</summary>
    public async Task<ProposalAnswer> ProposeAsync(PlanProposal proposal) => new(await _plans.TakeAsync(proposal), _reign.Record.Step);

    /// <summary>How the model is doing.</summary>
    public TrainingStatus Status() => new()
    {
        Model = _model,
        Term = _reign.Term,
        Epoch = _members.Map is null ? 0 : _members.Epoch,
        Step = _reign.Record.Step,
        Configuration = _reign.Record.Configuration,
        Director = _reign.Record.Director,
        DirectorRevision = _reign.Record.DirectorRevision,
        Calibration = _reign.Record.Calibration,
        Map = _members.Map is null ? null : _reign.Record.Map,
        Gates = _reign.Record.Gates,
        Memory = _members.Map is null ? [] : [.. _members.Map.Workers.Select(_members.MemoryOf)],
        SiloNames = _members.Map is null
            ? []
            : [.. _members.Map.Workers.Select(worker => _silos.TryGetSiloName(SiloAddress.FromParsableString(worker.Silo), out string? name) ? name ?? "" : "")],
    };

    private async Task<WorkOutcome> ProgressAsync()
    {
        try
        {
            await ResumeAsync();
        }
        catch (EpochFailedException)
        {
            // Whoever wants an epoch will hear of it; what is committed is written down.
        }

        return new ProgressOutcome { Step = _reign.Record.Step };
    }

    private Task<WorkOutcome> DirectAsync(DirectRequest request) => RunInEpochAsync<WorkOutcome>(async () =>
    {
        // Once for the cluster: its machines stay what they are.
        ClusterCalibration? calibration = _reign.Record.Calibration;
        if (request.Settings is not null)
        {
            calibration ??= await _work.CalibrateAsync();
        }

        await _reign.WriteAsync(_reign.Record with
        {
            Director = request.Settings,
            DirectorRevision = _reign.Record.DirectorRevision + 1,
            Calibration = calibration,
        });
        return new DirectOutcome { Calibration = calibration };
    });

    private Task<WorkOutcome> MoveAsync(MoveRequest move) => RunInEpochAsync<WorkOutcome>(async () =>
    {
        PlacementMap map = _members.Map!;
        var shard = new ShardId(move.Layer, move.Expert);
        try
        {
            await _switching.RunAsync(map.With(map.Version, [new ShardTransfer(shard, map.RankOf(map.WorkerOf(shard)), move.Rank)]));
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }

        return Opened();
    });

    private async Task<T> RunInEpochAsync<T>(Func<Task<T>> work)
    {
        if (!await ResumeAsync())
        {
            // The same placement: shards are where they were, only the communicator is new.
            await OpenNextAsync(_reign.Record.Map is { } map ? SamePlacement(map) : null);
        }

        try
        {
            return await work();
        }
        catch (EpochFailedException e)
        {
            _ended = true;
            await _members.EndAsync(e.Message);
            throw;
        }
    }

    private async Task<EpochOutcome> OpenNextAsync(PlacementRequest? wanted)
    {
        try
        {
            await _opening.OpenAsync(Run, wanted);
            _ended = false;
            return Opened();
        }
        catch (Exception e) when (e is not (PlacementRefusedException or MemoryRefusedException or MoveFailedException))
        {
            _ended = true;
            await _members.EndAsync(e.Message);
            throw;
        }
    }

    /// <summary>
    /// Whether an epoch is open. A new coordinator, or one that has lost touch, finds the members in the record: if all answer the roll, a step that
    /// is decided is committed everywhere, and it goes on with them unless the epoch has failed.
    /// </summary>
    private async Task<bool> ResumeAsync()
    {
        if (_members.Map is not null)
        {
            return true;
        }

        if (_reign.Record.Map is not { } message)
        {
            return false;
        }

        _members.Enter(_reign.Record.Epoch, message.ToMap());
        bool open = false;
        try
        {
            if (await SettleAsync() && !_ended)
            {
                await _gates.RenewAsync();
                open = true;
            }
        }
        catch (EpochFailedException) when (_reign.Record.Step == 0)
        {
            // A member is gone, and nothing with it: the seed makes every parameter anew.
        }
        finally
        {
            if (!open)
            {
                _members.Leave();
            }
        }

        return open;
    }

    /// <summary>
    /// Sees to it that every member has applied the last step and gone over to the placement that was decided with it. False when the members are
    /// not all in this epoch.
    /// </summary>
    private async Task<bool> SettleAsync()
    {
        HostRoll[] rolls = await Task.WhenAll(_members.Silos.Select(_members.CallRollAsync));
        long epoch = _reign.Record.Epoch;
        HostRoll? late = rolls.FirstOrDefault(roll => roll.Epoch != epoch);
        if (rolls.Any(roll => roll.Epoch != epoch && (roll.Pending != epoch || roll.Epoch != late!.Epoch)))
        {
            return false;
        }

        long step = Math.Max(_reign.Record.Step, rolls.Max(roll => roll.Version));
        if (rolls.FirstOrDefault(roll => roll.Version != step && roll.Prepared != step) is { } behind)
        {
            throw new EpochFailedException(
                $"Step {step} of model '{_model}' is committed, but a host is at step {behind.Version} without its gradients. The model must be restored.");
        }

        if (late is not null)
        {
            // They have the shards of the placement that was decided, and have not heard that it was.
            await _commits.SendAsync(late.Epoch, step, adopt: epoch);
        }
        else if (rolls.Any(roll => roll.Version != step))
        {
            await _commits.SendAsync(epoch, step, adopt: 0);
        }

        await _commits.PushAsync(_reign.Record.Map!);

        if (step != _reign.Record.Step)
        {
            await _reign.WriteAsync(_reign.Record with { Step = step });
        }

        return true;
    }

    private EpochOutcome Opened() => new()
    {
        Epoch = _reign.Record.Epoch,
        Workers = _reign.Record.Map!.Silos.Length,
        Step = _reign.Record.Step,
        Cursor = _reign.Record.Cursor,
    };

    private bool IsAlive(string silo) => _silos.GetActiveSilos().Any(alive => alive.ToParsableString() == silo);

    private PlacementRequest SamePlacement(PlacementMapMessage map) => new()
    {
        Silos = [.. map.Silos.Distinct().Select(silo => _silos.TryGetSiloName(SiloAddress.FromParsableString(silo), out string? name) ? name ?? silo : silo)],
        Ranks = map.Ranks,
    };
}
