using System.Text.Json.Serialization;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Models;

/// <summary>The part of a model around its mixture-of-experts layers.</summary>
public enum Backbone
{
    /// <summary>A decoder: embedding, attention, norms and head of a language model.</summary>
    Decoder,

    /// <summary>Nothing: one layer by itself, in a backbone of the caller's own (<see cref="LayerConfiguration"/>).</summary>
    None,
}

/// <summary>
/// A decoder-only language model in the convention of today's open-weight models (Mixtral, Qwen-MoE): RMSNorm before each block, rotary
/// grouped-query attention, mixture-of-experts feed-forward on chosen layers and a dense one on the others, no biases.
/// </summary>
public sealed record ModelConfiguration
{
    /// <summary>No size of a model is larger, so that no product of two overflows a 64-bit integer, and no sum a 32-bit one.</summary>
    private const int LargestSize = 1 << 24;

    /// <summary>Elements of a block of tensors: it holds values, gradients and both moments in one piece of memory.</summary>
    private const long LargestBlock = int.MaxValue / 4;

    /// <summary>The same of an estimate of memory, which counts and holds nothing.</summary>
    private const long LargestEstimate = 1L << 48;

    private ModelKinds _kinds = ModelKinds.BuiltIn;

    /// <summary>The part of the model around the layers. Without a backbone there is one layer, and only the values for its experts and gate apply.</summary>
    [JsonPropertyName("trunk")]
    public Backbone Backbone { get; init; } = Backbone.Decoder;

    /// <summary>Token ids run from 0 to this minus one; 256 for bytes.</summary>
    public int Vocabulary { get; init; } = 256;

    /// <summary>Features of the residual stream.</summary>
    public int Dim { get; init; } = 128;

    /// <summary>Query heads.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public int KeyValueHeads { get; init; } = 2;

    /// <summary>Hidden features of an expert, and of a dense feed-forward block.</summary>
    public int Hidden { get; init; } = 192;

    /// <summary>Experts of each layer, one number per layer; 0 for a dense layer. Later layers may have more (pyramid).</summary>
    public IReadOnlyList<int> Experts { get; init; } = [8, 8, 8, 8];

    /// <summary>What an expert computes, one of <see cref="ModelKinds.Experts"/>.</summary>
    public string Expert { get; init; } = "swiglu";

    /// <summary>
    /// Experts beside the routed ones that see every token, unweighted (DeepSeekMoE, arXiv 2401.06066, §3.2). Together they are one
    /// of that many times <see cref="Hidden"/> features.
    /// </summary>
    public int SharedExperts { get; init; }

    /// <summary>
    /// The residual form (DeepSpeed-MoE, arXiv 2201.05596, §4.1): <c>y = c₀·MoE(x) + c₁·MLP(x)</c> with <c>(c₀, c₁) = softmax(x·Wc)</c>.
    /// </summary>
    public bool Residual { get; init; }

    /// <summary>Routing policy.</summary>
    public GateOptions Gate { get; init; } = new();

    /// <summary>Longest sequence.</summary>
    public int MaximumSequence { get; init; } = 128;

    /// <summary>ε of the norms.</summary>
    public float RmsEpsilon { get; init; } = 1e-5f;

    /// <summary>Base of the rotary angles.</summary>
    public float RopeTheta { get; init; } = 10_000f;

    /// <summary>Seed of the initial values.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The kinds that the names in here refer to. They are not part of a configuration's text: its reader supplies them.</summary>
    [JsonIgnore]
    public ModelKinds Kinds => _kinds;

    /// <summary>Number of layers.</summary>
    public int Layers => Experts.Count;

    /// <summary>Heads of the attention.</summary>
    public AttentionShape Attention => new(Heads, KeyValueHeads, Dim / Heads);

    /// <summary>The layers that have experts.</summary>
    public IEnumerable<int> MoELayers => Enumerable.Range(0, Layers).Where(layer => Experts[layer] > 0);

    /// <summary>The same configuration with names that refer to these kinds.</summary>
    public ModelConfiguration Using(ModelKinds kinds) => this with { _kinds = kinds };

    /// <summary>Throws when the configuration cannot work.</summary>
    /// <exception cref="ModelConfigurationException">With every error, each naming its property.</exception>
    public void Validate()
    {
        List<string> errors = [.. Errors()];
        if (errors.Count > 0)
        {
            throw new ModelConfigurationException(errors);
        }
    }

    /// <summary>Every error in this configuration, each naming its property.</summary>
    public IEnumerable<string> Errors() => Errors(LargestBlock);

    /// <summary>Every error in this configuration as the model of an estimate, which counts what no worker could hold in one piece.</summary>
    public IEnumerable<string> ErrorsOfEstimate() => Errors(LargestEstimate);

    private IEnumerable<string> Errors(long largestBlock)
    {
        List<string> single = [.. Backbone == Backbone.None ? LayerErrors() : DecoderErrors(), .. MixtureErrors()];
        if (single.Count == 0)
        {
            single.AddRange(Excesses(largestBlock));
        }

        return single.Count > 0 ? single : KindValidator.InTensors(this);
    }

    /// <summary>What keeps a layer of this model from routing by another policy than it began with: every error, each naming its property.</summary>
    /// <param name="policy">The policy. What cannot change while a layer lives must be as it is here.</param>
    public IEnumerable<string> ErrorsOf(GatePolicy policy) => MoELayers.Contains(policy.Layer)
        ? [.. policy.Options.Errors(Experts[policy.Layer], Kinds.Gates), .. policy.Options.ErrorsOfChange(Gate)]
        : [$"The layer has no gate; layers with one are {string.Join(", ", MoELayers)}."];

    private static IEnumerable<string> OutOfRange(params (string Name, int Value)[] values) => values
        .Where(entry => entry.Value is < 1 or > LargestSize)
        .Select(entry => $"{entry.Name} is {entry.Value}; it must be at least 1{(entry.Value > LargestSize ? $" and at most {LargestSize}" : "")}.");

    private IEnumerable<string> LayerErrors()
    {
        IEnumerable<string> errors = OutOfRange((nameof(Dim), Dim), (nameof(Hidden), Hidden));
        return Layers == 1 && Experts[0] != 0
            ? errors
            : errors.Append($"{nameof(Experts)} is [{string.Join(", ", Experts)}]; a layer without a backbone is one layer of at least 1 expert.");
    }

    private IEnumerable<string> DecoderErrors() =>
    [
        .. ConfigurationErrors.OfName(nameof(Backbone), Backbone),
        .. OutOfRange(
            (nameof(Vocabulary), Vocabulary), (nameof(Dim), Dim), (nameof(Heads), Heads), (nameof(KeyValueHeads), KeyValueHeads),
            (nameof(Hidden), Hidden), (nameof(MaximumSequence), MaximumSequence), ("Layers", Layers)),
        .. ConfigurationErrors.Of(
            (Heads > 0 && (Dim % Heads != 0 || Dim / Heads % 2 != 0),
                $"{nameof(Dim)} is {Dim}; it must be a multiple of twice the {Heads} heads."),
            (KeyValueHeads > 0 && Heads % KeyValueHeads != 0,
                $"{nameof(KeyValueHeads)} is {KeyValueHeads}; it must divide the {Heads} heads."),
            (!(RmsEpsilon > 0 && RopeTheta > 0 && float.IsFinite(RmsEpsilon) && float.IsFinite(RopeTheta)),
                $"{nameof(RmsEpsilon)} {RmsEpsilon} and {nameof(RopeTheta)} {RopeTheta} must be positive and finite.")),
    ];

    private IEnumerable<string> MixtureErrors()
    {
        if (SharedExperts is < 0 or > LargestSize)
        {
            yield return $"{nameof(SharedExperts)} is {SharedExperts}; it must be from 0 (none) to {LargestSize}.";
        }

        if (Residual && SharedExperts > 0)
        {
            yield return $"{nameof(Residual)} is set, but {nameof(SharedExperts)} is {SharedExperts}: two forms of one branch; choose one.";
        }

        if (Kinds.Experts.ErrorOf(nameof(Expert), Expert) is { } unknown)
        {
            yield return unknown;
        }

        // One error for all layers of a size: a hundred layers are not a hundred errors.
        HashSet<int> seen = [];
        for (int layer = 0; layer < Layers; layer++)
        {
            int experts = Experts[layer];
            if (experts is < 0 or > LargestSize)
            {
                yield return $"{nameof(Experts)}[{layer}] is {experts}; it must be from 0 (dense) to {LargestSize}.";
            }
            else if (experts > 0 && seen.Add(experts))
            {
                foreach (string error in Gate.Errors(experts, Kinds.Gates))
                {
                    yield return $"Layer {layer}: {error}";
                }
            }
        }
    }

    /// <summary>
    /// What is too large of a configuration that has no other error: its parts are made of tensors whose sizes multiply.
    /// </summary>
    private IEnumerable<string> Excesses(long largestBlock)
    {
        (string Name, Func<long> Count)[] parts =
            [("everything but the experts", () => ModelLayout.DenseCount(this)), ("an expert", () => ModelLayout.ExpertCount(this))];
        foreach ((string name, Func<long> count) in parts)
        {
            long elements;
            try
            {
                elements = count();
            }
            catch (OverflowException)
            {
                elements = long.MaxValue;
            }

            if (elements > largestBlock)
            {
                yield return $"{nameof(Dim)} {Dim}, {nameof(Hidden)} {Hidden}, {nameof(Vocabulary)} {Vocabulary}: {name} would have "
                    + $"{(elements == long.MaxValue ? "too many" : elements)} parameters; a worker holds at most {largestBlock} in one piece.";
            }
        }
    }
}

/// <summary>A model configuration that cannot work.</summary>
/// <param name="errors">Every error found, each naming its property.</param>
public sealed class ModelConfigurationException(IReadOnlyList<string> errors)
    : Exception($"The model's configuration cannot work: {string.Join(" ", errors)}")
{
    /// <summary>Every error found, each naming its property.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
