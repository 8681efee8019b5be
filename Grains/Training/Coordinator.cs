using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Training;

/// <summary>
/// Runs one model in one term: drives steps and other work of the whole cluster, one piece at a time, each in an open epoch. A new coordinator calls
/// the roll and goes on from what the survivors hold.
/// </summary>
internal sealed class Coordinator
{
    private readonly string _model;
    private readonly SiloNames _silos;
    private readonly Members _members;
    private readonly MemoryCheck _memory;
    private readonly SwitchProtocol _switching;
    private readonly BatchLog _batches;
    private readonly StepProtocol _steps;
    private readonly PlanDesk _plans;
    private readonly Direction _direction;
    private readonly ClusterWork _work;
    private readonly GatePolicies _gates;
    private readonly EpochKeeper _epochs;

    public Coordinator(
        string model, IRunStore store, IWorkerHostClient hosts, ISiloStatusOracle silos, IGrainFactory grains, IFileStore files, Reign reign,
        ModelKinds kinds)
    {
        _model = model;
        Reign = reign;
        Run = RunConfiguration.FromJson(reign.Record.Configuration, kinds);
        _silos = new SiloNames(silos);
        _members = new Members(hosts, model, reign.Term);
        _memory = new MemoryCheck(Run, _members, reign);
        _batches = new BatchLog(store, reign, model);
        _direction = new Direction(_members, reign);
        _gates = new GatePolicies(_members, reign, Run);
        _work = new ClusterWork(_members, reign, _memory, Run, files, model);
        var commits = new CommitProtocol(_silos, _members, reign, model);
        _steps = new StepProtocol(_members, commits, reign, Run, model);
        var activation = new GrainActivation(grains, Run, model);
        _switching = new SwitchProtocol(_members, commits, activation, reign, _memory, model);
        _plans = new PlanDesk(grains, _members, _switching, reign, _memory, Run, model);
        var opening = new EpochOpening(_silos, _members, commits, _switching, activation, reign, _memory, Run, model);
        _epochs = new EpochKeeper(_silos, _members, commits, opening, _gates, reign);
    }

    /// <summary>Its hold on the run.</summary>
    public Reign Reign { get; }

    /// <summary>The run.</summary>
    public RunConfiguration Run { get; }

    /// <summary>Opens an epoch, or goes on with the one that is open.</summary>
    /// <param name="wanted">A placement wished for; null for the one that there was.</param>
    public async Task<WorkOutcome> OpenAsync(PlacementRequest? wanted) => await _epochs.OpenAsync(wanted);

    /// <summary>Checks a batch and logs it before anything runs. One that is logged already stays.</summary>
    /// <exception cref="InvalidRequestException">The batch does not fit the run.</exception>
    /// <exception cref="StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="StaleCommandException">The step is beyond the next one.</exception>
    public Task LogAsync(StepRequest request)
    {
        RequestChecks.Batch(request, Run);
        return _batches.AddAsync(request);
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
            return await _epochs.RunAsync(async () =>
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
            _batches.Free(batch.Step);
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
    public Task<WorkOutcome> WorkAsync(WorkRequest request) =>
        request is ProgressRequest ? ProgressAsync() : _epochs.RunAsync<WorkOutcome>(async () => request switch
        {
            MoveRequest move => await MoveAsync(move),
            DirectRequest direct => await _direction.ChangeAsync(direct),
            ConfigureGateRequest gate => await _gates.ChangeAsync(gate),
            _ => await _work.RunAsync(request),
        });

    /// <summary>Takes a plan of the director.</summary>
    public async Task<ProposalAnswer> ProposeAsync(PlanProposal proposal) => new(await _plans.TakeAsync(proposal), Reign.Record.Step);

    /// <summary>How the model is doing.</summary>
    public TrainingStatus Status()
    {
        RunRecord record = Reign.Record;
        PlacementMap? map = _members.Map;
        WorkerId[] workers = map is null ? [] : [.. map.Workers];
        return new TrainingStatus
        {
            Model = _model,
            Term = record.Term,
            Epoch = map is null ? 0 : _members.Epoch,
            Step = record.Step,
            Configuration = record.Configuration,
            Director = record.Director,
            DirectorRevision = record.DirectorRevision,
            Calibration = record.Calibration,
            Map = map is null ? null : record.Map,
            Gates = record.Gates,
            Memory = [.. workers.Select(_members.MemoryOf)],
            SiloNames = [.. workers.Select(worker => _silos.Of(worker.Silo) ?? "")],
        };
    }

    private async Task<WorkOutcome> ProgressAsync()
    {
        try
        {
            await _epochs.ResumeAsync();
        }
        catch (EpochFailedException)
        {
            // Whoever wants an epoch will hear of it; what is committed is written down.
        }

        return new ProgressOutcome { Step = Reign.Record.Step };
    }

    private async Task<EpochOutcome> MoveAsync(MoveRequest move)
    {
        await _switching.MoveAsync(move);
        return _epochs.Outcome;
    }
}
