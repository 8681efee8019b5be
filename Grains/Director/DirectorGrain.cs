using Microsoft.Extensions.Logging;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Policy;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Director;

/// <summary>
/// Watches one model's load and proposes plans to its coordinator. The coordinator's record has the settings and the placement; they are read
/// from there when a load comes from another view than it should, and the store has the decisions, so that an activation which begins anew goes on where
/// the one before it ended. It sees the load anew.
/// </summary>
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
[Immovable]
public sealed class DirectorGrain(IRunStore store, ModelKinds kinds, LiveRuns live, ILogger<DirectorGrain> logger) : Grain, IDirectorGrain, IDirectorProtocol
{
    private DecisionLog _log = new([]);
    private LoadWatch? _watch;
    private long _view = -1;
    private long _revision = -1;

    private string Model => this.GetPrimaryKeyString();

    private ITrainingGrain Training => GrainFactory.GetGrain<ITrainingGrain>(Model);

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken) => _log = new DecisionLog(await store.ReadDecisionsAsync(Model));

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        live.EndWatch(Model);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task ObserveAsync(StepLoad load)
    {
        if (load.Revision == _revision && load.Moved is { } moved && moved.From == _view)
        {
            // A part of a plan, as a rule: what is known of the cluster stays.
            _view = load.View;
            _watch?.Follow(moved);
        }
        else if (load.View != _view || load.Revision != _revision)
        {
            await RefreshAsync();
        }

        if (_watch is not { } watch || load.View != _view || !watch.Observe(load))
        {
            // The load of a placement that is no more, or of a step that was seen before.
            return;
        }

        live.Watch(Model, new WatchedLoad(watch.Ratios, watch.PredictionError));
        if (_log.Measure(load, watch.Ratios))
        {
            await KeepAsync();
        }

        if (_log.IsApplying || !watch.IsToPlan)
        {
            return;
        }

        // A plan of a large model takes a while: not in a grain's turn.
        PlacementPlan plan = await Task.Run(watch.Plan);
        if (plan.Layers.IsEmpty)
        {
            return;
        }

        PlanProposal proposal = _log.Begin(plan, _view, watch.Settings.BytesPerStep, watch.MeasuredSeconds);
        foreach (LayerPlan layer in plan.Layers)
        {
            DirectorLog.Decided(logger, Model, proposal.Number, load.Step, layer);
        }

        // Kept first: no two plans have one number. Whether a proposal whose answer is lost was taken, the next loads will tell.
        await KeepAsync();
        ProposalAnswer answer = await GrainFactory.GetGrain<ITrainingProtocol>(Model).ProposeAsync(proposal);
        if (answer.Refusal is { } refusal)
        {
            await ConcludeAsync(new PlanConclusion(proposal.Number, load.Step, 0, refusal, 0, 0, 0));
        }
        else
        {
            _log.Taken(answer.Step);
        }
    }

    /// <inheritdoc />
    public Task ConcludeAsync(PlanConclusion conclusion)
    {
        _log.Conclude(conclusion);
        if (conclusion.Failure is { } failure)
        {
            DirectorLog.Abandoned(logger, Model, conclusion.Number, conclusion.Step, failure);
        }
        else
        {
            DirectorLog.Applied(logger, Model, conclusion.Number, conclusion.Step, conclusion.ShardsMoved);
        }

        return KeepAsync();
    }

    /// <inheritdoc />
    public async Task<DirectorStatus> GetStatusAsync()
    {
        if (_watch is null)
        {
            await RefreshAsync();
        }

        return new DirectorStatus
        {
            Settings = _watch?.Settings,
            Step = _watch?.Step ?? 0,
            Ratios = _watch?.Ratios ?? [],
            Decisions = _log.Decisions,
            Calibration = _watch?.Calibration,
            PredictionError = _watch?.PredictionError,
        };
    }

    /// <inheritdoc />
    public Task EndAsync()
    {
        (_log, _watch, _view, _revision) = (new DecisionLog([]), null, -1, -1);
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    private Task KeepAsync() => store.WriteDecisionsAsync(Model, _log.Decisions);

    private async Task RefreshAsync()
    {
        TrainingStatus status = await Training.GetStatusAsync();
        (_view, _revision) = (status.View, status.DirectorRevision);
        _watch = status is { Director: { } settings, Calibration: { } calibration, Map: { } map }
            ? new LoadWatch(settings, calibration, map, status.Configuration.Using(kinds), status.Memory, _watch)
            : null;
        if (_watch is null)
        {
            live.EndWatch(Model);
        }
    }
}
