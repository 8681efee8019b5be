using System.Text.Json;
using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.Gates;

/// <summary>
/// Routing policy of one layer. <see cref="Kind"/>, <see cref="Scores"/> and <see cref="ProjectionDim"/> decide which tensors the gate has;
/// everything else may change between two steps (<see cref="IGate.Reconfigure"/>). docs/gates.md has the formulas.
/// </summary>
public sealed record GateOptions
{
    /// <summary>Name of the gate, <c>top-any</c> unless given.</summary>
    public string Kind { get; init; } = TopKGateKind.KindName;

    /// <summary>Experts per token, from 1 to the number of experts; under expert choice their mean, with a capacity factor of 1.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>How logits become scores.</summary>
    public GateScores Scores { get; init; } = GateScores.Softmax;

    /// <summary>
    /// Divide the chosen weights by their sum. With one expert per token the raw score stays, as it carries the gradient, and so it does
    /// under expert choice.
    /// </summary>
    public bool Renormalise { get; init; } = true;

    /// <summary>Factor on the weights of routed experts (DeepSeek-V3's routed scaling factor).</summary>
    public float RoutedScale { get; init; } = 1f;

    /// <summary>
    /// f &gt; 0: an expert takes at most k·⌈f·T/E⌉ tokens of a micro-batch (T valid tokens); 0: dropless; f &lt; 0: at most −f tokens.
    /// </summary>
    public float CapacityFactor { get; init; }

    /// <summary>Least capacity when <see cref="CapacityFactor"/> is positive.</summary>
    public int MinimumCapacity { get; init; }

    /// <summary>Which tokens get the slots of an expert that more tokens chose than it takes.</summary>
    public SlotPriority Priority { get; init; } = SlotPriority.Position;

    /// <summary>σ: in training, logits get noise σ/E·N(0, 1); 0 for none.</summary>
    public float Noise { get; init; }

    /// <summary>In training, the router's input is multiplied by U(1 − jitter, 1 + jitter); 0 for none.</summary>
    public float Jitter { get; init; }

    /// <summary>
    /// γ: in training, a token's second choice is the best of logits + γ·Gumbel(0, 1) besides its first; 0 for none, 1 draws it with the
    /// probabilities of the softmax (DeepSpeed-MoE's top-2 gate).
    /// </summary>
    public float SecondChoiceNoise { get; init; }

    /// <summary>Groups of neighbouring experts, one per node as a rule; they divide the experts evenly.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>A token's experts come from at most this many groups (DeepSeek-V3's node-limited routing).</summary>
    public int TopGroups { get; init; } = 1;

    /// <summary>u: after each step b_e += u·sign(mean − count_e); 0 freezes the bias. For sigmoid scores.</summary>
    public float BiasUpdateRate { get; init; }

    /// <summary>Features of the projection in which the cosine gate compares.</summary>
    public int ProjectionDim { get; init; } = 256;

    /// <summary>The loss that keeps experts equally busy.</summary>
    public BalanceLossKind Balance { get; init; } = BalanceLossKind.FirstChoice;

    /// <summary>Coefficient of the balance loss; 0 for none. Expert choice is balanced by construction and has no such loss.</summary>
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
        > 0 => Math.Max(MinimumCapacity, (int)Math.Min(int.MaxValue, TopK * Math.Ceiling((double)CapacityFactor * tokens / experts))),
        < 0 => (int)-Math.Max(CapacityFactor, -int.MaxValue),
        _ => int.MaxValue,
    };

    /// <summary>Standard deviation of the noise on a logit: σ/E.</summary>
    /// <param name="experts">Experts of the layer.</param>
    public float NoiseDeviation(int experts) => Noise / experts;

    /// <summary>Every error in these options, each naming its property.</summary>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="kinds">The gates that <see cref="Kind"/> may name; those of the library unless given.</param>
    public IEnumerable<string> Errors(int experts, KindList<IGateKind>? kinds = null) =>
        GateValidator.Of(this, experts).Concat(GateValidator.OfKind(this, kinds ?? GateKinds.BuiltIn));

    /// <summary>The options as JSON text: the form in which they travel and are stored.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ConfigurationJson.Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="FormatException">The text is no gate's options.</exception>
    public static GateOptions FromJson(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<GateOptions>(json, ConfigurationJson.Options) ?? throw new FormatException("The text has no gate's options.");
        }
        catch (JsonException e)
        {
            throw new FormatException($"The text is no gate's options. {ConfigurationJson.WordsOf(e)}", e);
        }
    }

    /// <summary>What keeps these options from replacing others in a layer that exists, beside <see cref="Errors"/>.</summary>
    /// <param name="current">The options that the layer was built with.</param>
    public IEnumerable<string> ErrorsOfChange(GateOptions current) => GateValidator.OfChange(this, current);
}

/// <summary>The routing policy of one layer, where it is another than the run began with.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that follows it.</param>
/// <param name="Options">The policy.</param>
public sealed record GatePolicy(int Layer, long FromStep, GateOptions Options);
