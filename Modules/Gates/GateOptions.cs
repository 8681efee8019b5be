namespace MoEActors.Modules.Gates;

/// <summary>Routing policy of one layer.</summary>
public sealed record GateOptions
{
    /// <summary>Experts per token, from 1 to the number of experts.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>How logits become scores.</summary>
    public GateScores Scores { get; init; } = GateScores.Softmax;

    /// <summary>Divide the chosen weights by their sum. With one expert per token the raw score stays, as it carries the gradient.</summary>
    public bool Renormalise { get; init; } = true;

    /// <summary>
    /// f &gt; 0: an expert takes at most k·⌈f·T/E⌉ tokens of a micro-batch (T valid tokens); 0: dropless; f &lt; 0: at most −f tokens.
    /// </summary>
    public float CapacityFactor { get; init; }

    /// <summary>Least capacity when <see cref="CapacityFactor"/> is positive.</summary>
    public int MinimumCapacity { get; init; }

    /// <summary>Coefficient of the balance loss (GShard, arXiv 2006.16668, §2.2).</summary>
    public float BalanceCoefficient { get; init; } = 0.01f;

    /// <summary>Coefficient of the z-loss (ST-MoE, arXiv 2202.08906, §3).</summary>
    public float ZCoefficient { get; init; } = 0.001f;

    /// <summary>The sum of chosen scores is at least this before it divides.</summary>
    internal const float Epsilon = 1e-9f;

    /// <summary>Tokens an expert takes of a micro-batch at most.</summary>
    /// <param name="tokens">Valid tokens of the micro-batch.</param>
    /// <param name="experts">Experts of the layer.</param>
    public int Capacity(int tokens, int experts) => CapacityFactor switch
    {
        > 0 => Math.Max(MinimumCapacity, checked(TopK * (int)Math.Ceiling((double)CapacityFactor * tokens / experts))),
        < 0 => (int)-CapacityFactor,
        _ => int.MaxValue,
    };

    /// <summary>Every mistake in these options, in words that name the property.</summary>
    /// <param name="experts">Experts of the layer.</param>
    public IEnumerable<string> Mistakes(int experts)
    {
        if (TopK < 1 || TopK > experts)
        {
            yield return $"{nameof(TopK)} is {TopK}; it must be from 1 to the layer's {experts} experts.";
        }

        if (!float.IsFinite(CapacityFactor))
        {
            yield return $"{nameof(CapacityFactor)} is {CapacityFactor}; it must be finite.";
        }

        if (MinimumCapacity < 0)
        {
            yield return $"{nameof(MinimumCapacity)} is {MinimumCapacity}; it must not be negative.";
        }

        if (!(BalanceCoefficient >= 0) || !(ZCoefficient >= 0))
        {
            yield return $"{nameof(BalanceCoefficient)} {BalanceCoefficient} and {nameof(ZCoefficient)} {ZCoefficient} must not be negative.";
        }
    }
}
