using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.Optimizers;

/// <summary>
/// AdamW (Loshchilov &amp; Hutter, arXiv 1711.05101) with warm-up, cosine decay (arXiv 1608.03983) and clipping (Pascanu et al., arXiv 1211.5063).
/// Norms and biases do not decay.
/// </summary>
public sealed record OptimizerOptions
{
    /// <summary>Highest learning rate.</summary>
    public float LearningRate { get; init; } = 3e-3f;

    /// <summary>Learning rate at the end of the schedule, as a share of the highest.</summary>
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
            (!(FinalShare is >= 0 and <= 1), $"{nameof(FinalShare)} is {FinalShare}; it must be from 0 to 1."),
            (!(Epsilon > 0) || !float.IsFinite(Epsilon), $"{nameof(Epsilon)} is {Epsilon}; it must be positive and finite."),
            (WarmupSteps < 0 || TotalSteps < 1,
                $"{nameof(WarmupSteps)} {WarmupSteps} must not be negative, {nameof(TotalSteps)} {TotalSteps} at least 1.")),
    ];

    /// <summary>The learning rate of an update.</summary>
    /// <param name="step">1 for the first update.</param>
    public float LearningRateAt(long step)
    {
        if (step <= WarmupSteps)
        {
            return LearningRate * step / Math.Max(1, WarmupSteps);
        }

        double progress = Math.Min(1.0, (double)(step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps));
        double share = FinalShare + (1 - FinalShare) * 0.5 * (1 + Math.Cos(Math.PI * progress));
        return (float)(LearningRate * share);
    }

    /// <summary>The factor that brings gradients of norm <paramref name="norm"/> under the limit.</summary>
    public float ClipFactor(double norm) => ClipNorm > 0 && norm > ClipNorm ? (float)(ClipNorm / norm) : 1f;
}
