using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Protocol;
using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Director;

/// <summary>The director's decisions, with their reasons, predicted effects, and those that were measured afterwards.</summary>
/// <param name="decisions">The last decisions, oldest first.</param>
internal sealed class DecisionLog(IReadOnlyList<DirectorDecision> decisions)
{
    /// <summary>Decisions kept.</summary>
    private const int Kept = 64;

    /// <summary>Steps after a decision is in force from which its effect is taken: soon the load will have drifted on.</summary>
    private const int MeasuredSteps = 8;

    /// <summary>Steps whose loads do not name the plan, one after the other, after which it is lost. What became of a plan may be told later than the step after it.</summary>
    private const int LostAfter = 5;

    private readonly List<DirectorDecision> _decisions = [.. decisions];

    private int _unnamed;

    /// <summary>Loads of later steps must name the plan being applied, or it has ended. So must those from before it: the model has gone back.</summary>
    private long _takenAt = decisions is [.., { } last] ? last.Step : 0;

    /// <summary>The last decisions, oldest first.</summary>
    public DirectorDecision[] Decisions => [.. _decisions];

    /// <summary>Whether a plan is being applied.</summary>
    public bool IsApplying => _decisions is [.., { State: DecisionState.Applying }];

    /// <summary>Notes a plan and words it for the coordinator.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="view">The view whose placement it was made for.</param>
    /// <param name="bytesPerStep">Bytes that may move during one training step.</param>
    /// <param name="measured">By layer: seconds that it took lately; null where they were not measured.</param>
    public PlanProposal Begin(PlacementPlan plan, long view, long bytesPerStep, IReadOnlyList<double?> measured)
    {
        _takenAt = plan.Step;
        var decision = new DirectorDecision
        {
            Number = _decisions is [.., { } newest] ? newest.Number + 1 : 1,
            Step = plan.Step,
            State = DecisionState.Applying,
            Time = DateTimeOffset.UtcNow,
            Layers = [.. plan.Layers.Select(layer => Describe(layer, measured[layer.Layer]))],
        };
        _decisions.Add(decision);
        if (_decisions.Count > Kept)
        {
            _decisions.RemoveAt(0);
        }

        return new PlanProposal(
            decision.Number, view, [.. plan.Layers.Select(layer => new LayerProposal(layer.Layer, layer.Target.Ranks()))], bytesPerStep);
    }

    /// <summary>Notes that the coordinator has taken the plan, after a step.</summary>
    public void Taken(long step) => _takenAt = step;

    /// <summary>Notes how a plan ended.</summary>
    public void Conclude(PlanConclusion conclusion)
    {
        if (_decisions.FindIndex(decision => decision.Number == conclusion.Number) is >= 0 and int index)
        {
            _decisions[index] = _decisions[index] with
            {
                State = conclusion.Failure is null ? DecisionState.Applied : DecisionState.Abandoned,
                ConcludedAt = conclusion.Step,
                Failure = conclusion.Failure,
                ShardsMoved = conclusion.ShardsMoved,
                BytesMoved = conclusion.BytesMoved,
                CopySeconds = conclusion.CopySeconds,
                WaitSeconds = conclusion.WaitSeconds,
            };
        }
    }

    /// <summary>Adds a step's balance ratios and seconds to the effects of the decision that is in force, and sees whether the coordinator still knows of the plan.</summary>
    /// <returns>Whether there is anything new.</returns>
    public bool Measure(StepLoad load, double[] ratios)
    {
        bool ended = false;
        long step = load.Step;
        bool isUnnamed = IsApplying && (step > _takenAt || step < _decisions[^1].Step) && load.Applying != _decisions[^1].Number;
        _unnamed = isUnnamed ? _unnamed + 1 : 0;
        if (_unnamed >= LostAfter)
        {
            _unnamed = 0;
            Conclude(new PlanConclusion(_decisions[^1].Number, step, 0, "The coordinator has begun anew and has lost the plan.", 0, 0, 0));
            ended = true;
        }

        int index = _decisions.FindLastIndex(decision => decision.State == DecisionState.Applied);
        if (index < 0 || step <= _decisions[index].ConcludedAt || step > _decisions[index].ConcludedAt + MeasuredSteps)
        {
            return ended;
        }

        DirectorDecision decision = _decisions[index];
        long earlier = step - decision.ConcludedAt - 1;
        _decisions[index] = decision with
        {
            Layers =
            [
                .. decision.Layers.Select(layer => layer with
                {
                    MeasuredRatio = (((layer.MeasuredRatio ?? 0) * earlier) + ratios[layer.Layer]) / (earlier + 1),
                    MeasuredSeconds = load.LayerSeconds.Length == 0
                        ? layer.MeasuredSeconds
                        : (((layer.MeasuredSeconds ?? 0) * earlier) + load.LayerSeconds[layer.Layer]) / (earlier + 1),
                }),
            ],
        };
        return true;
    }

    private static LayerDecision Describe(LayerPlan plan, double? measured) => new(
        plan.Layer, [.. plan.Moves.Select(move => new ShardArrival(move.Expert, move.From, move.To))],
        RatioBefore: plan.Ratio.Before, PredictedRatio: plan.Ratio.After, MeasuredRatio: null,
        SecondsBefore: plan.Seconds.Before, PredictedSeconds: plan.Seconds.After, plan.MoveSeconds, plan.Reason,
        MeasuredSecondsBefore: measured, MeasuredSeconds: null);
}
