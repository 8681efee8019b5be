using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.Optimizers;

/// <summary>How the learning rate goes on after the warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>It falls along half a cosine until the last step (Loshchilov &amp; Hutter, arXiv 1608.03983).</summary>
    Cosine,

    /// <summary>It stays: a run may be made longer at any time.</summary>
    Constant,

    /// <summary>
    /// Warm-up, stable, decay (Hu et al., arXiv 2404.06395, §4): it stays until the last part of the schedule, and falls there as one minus the root of the part that is
    /// done (Hägele et al., arXiv 2405.18392, §3).
    /// </summary>
    Wsd,
}

/// <summary>
/// AdamW (Loshchilov &amp; Hutter, arXiv 1711.05101) with warm-up, a <see cref="LearningRateSchedule"/> and clipping (Pascanu et al., arXiv 1211.5063).
/// Norms and biases do not decay.
/// </summary>
public sealed record OptimizerOptions
{
    /// <summary>Highest learning rate.</summary>
    public float LearningRate { get; init; } = 3e-3f;

    /// <summary>How the learning rate goes on after the warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>The last part of the schedule, as a share of its steps, in which the rate of <see cref="LearningRateSchedule.Wsd"/> falls.</summary>
    public float DecayShare { get; init; } = 0.2f;

    /// <summary>Learning rate at the end of the schedule, as a share of the highest; a constant rate stays at the highest.</summary>
    public float FinalShare { get; init; } = 0.05f;

    /// <summary>Steps of linear warm-up.</summary>
    public long WarmupSteps { get; init; } = 50;

    /// <summary>Steps of the whole schedule; after them the final rate stays.</summary>
    public long TotalSteps { get; init; } = 1_000;

    /// <summary>Decay of the first moment.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Decay of the second moment.</summary>
    public float Beta2 { get; init; } = 0.95f;

    /// <summary>Added to the root of the second moment.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Decoupled weight decay of matrices.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Gradients are scaled down to this global norm; 0 for no limit.</summary>
    public float ClipNorm { get; init; } = 1f;

    /// <summary>The same with a schedule of so many steps, of which the warm-up takes a tenth at most.</summary>
    public OptimizerOptions OfSteps(long steps) => this with { TotalSteps = steps, WarmupSteps = Math.Min(WarmupSteps, Math.Max(1, steps / 10)) };

    /// <summary>Every error in these options, each naming its property.</summary>
    public IEnumerable<string> Errors() =>
    [
        .. ConfigurationErrors.OfMagnitudes((nameof(LearningRate), LearningRate), (nameof(WeightDecay), WeightDecay), (nameof(ClipNorm), ClipNorm)),
        .. ConfigurationErrors.Of(
            (!(Beta1 is >= 0 and < 1), $"{nameof(Beta1)} is {Beta1}; it must be at least 0 and below 1."),
            (!(Beta2 is >= 0 and < 1), $"{nameof(Beta2)} is {Beta2}; it must be at least 0 and below 1."),
            (!Enum.IsDefined(Schedule), $"{nameof(Schedule)} is {(int)Schedule}; it must be one of {string.Join(", ", Enum.GetNames<LearningRateSchedule>())}."),
            (!(DecayShare is > 0 and <= 1), $"{nameof(DecayShare)} is {DecayShare}; it must be above 0 and at most 1."),
            (!(FinalShare is >= 0 and <= 1), $"{nameof(FinalShare)} is {FinalShare}; it must be from 0 to 1."),
            (!(Epsilon > 0) || !float.IsFinite(Epsilon), $"{nameof(Epsilon)} is {Epsilon}; it must be positive and finite."),
            (WarmupSteps < 0 || TotalSteps < 1,
                $"{nameof(WarmupSteps)} {WarmupSteps} must not be negative, {nameof(TotalSteps)} {TotalSteps} at least 1.")),
    ];

    /// <summary>The learning rate of an update. It follows from the step alone, so that a run that was stopped goes on with the rates that it would have had.</summary>
    /// <param name="step">1 for the first update.</param>
    public float LearningRateAt(long step)
    {
        if (step <= WarmupSteps)
        {
            return LearningRate * step / Math.Max(1, WarmupSteps);
        }

        double height = Schedule switch
        {
            LearningRateSchedule.Constant => 1,
            LearningRateSchedule.Wsd => 1 - Math.Sqrt(PartDone(step, TotalSteps - DecaySteps)),
            _ => 0.5 * (1 + Math.Cos(Math.PI * PartDone(step, WarmupSteps))),
        };
        return (float)(LearningRate * (FinalShare + (1 - FinalShare) * height));
    }

    /// <summary>The factor that brings gradients of norm <paramref name="norm"/> under the limit.</summary>
    public float ClipFactor(double norm) => ClipNorm > 0 && norm > ClipNorm ? (float)(ClipNorm / norm) : 1f;

    private long DecaySteps => Math.Max(1, (long)Math.Round(DecayShare * (double)TotalSteps));

    /// <summary>How much of the way from a step to the end of the schedule is done, from 0 to 1.</summary>
    private double PartDone(long step, long from) => Math.Clamp((double)(step - from) / Math.Max(1, TotalSteps - from), 0, 1);
}
