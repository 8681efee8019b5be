using System.Text.Json.Serialization;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Layers;

namespace MoEActors.Modules.Models;

/// <summary>
/// A decoder-only language model in the convention of today's open-weight models (Mixtral, Qwen-MoE): RMSNorm before each block, rotary
/// grouped-query attention, mixture-of-experts feed-forward on chosen layers and a dense one on the others, no biases.
/// </summary>
public sealed record ModelConfiguration
{
    private ModelKinds _kinds = ModelKinds.BuiltIn;

    /// <summary>What the layers stand in. Without a trunk there is one layer, and of the values here only those of its experts and gate count.</summary>
    public Trunk Trunk { get; init; } = Trunk.Decoder;

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

    /// <summary>What the names in here stand for. Not part of the text of a configuration: whoever reads one brings them.</summary>
    [JsonIgnore]
    public ModelKinds Kinds => _kinds;

    /// <summary>Number of layers.</summary>
    public int Layers => Experts.Count;

    /// <summary>Heads of the attention.</summary>
    public AttentionShape Attention => new(Heads, KeyValueHeads, Dim / Heads);

    /// <summary>The layers that have experts.</summary>
    public IEnumerable<int> MoELayers => Enumerable.Range(0, Layers).Where(layer => Experts[layer] > 0);

    /// <summary>The same configuration, whose names stand for these kinds.</summary>
    public ModelConfiguration Using(ModelKinds kinds) => this with { _kinds = kinds };

    /// <summary>Throws when the configuration cannot work.</summary>
    /// <exception cref="ModelConfigurationException">With every mistake, each naming its property.</exception>
    public void Validate()
    {
        List<string> mistakes = [.. Mistakes()];
        if (mistakes.Count > 0)
        {
            throw new ModelConfigurationException(mistakes);
        }
    }

    /// <summary>Every mistake in this configuration, in words that name the property.</summary>
    public IEnumerable<string> Mistakes()
    {
        List<string> mistakes = [.. Trunk == Trunk.None ? LayerMistakes() : DecoderMistakes(), .. MixtureMistakes()];
        return mistakes.Count > 0 ? mistakes : KindMistakes.InTensors(this);
    }

    private static IEnumerable<string> BelowOne(params (string Name, int Value)[] values) =>
        values.Where(entry => entry.Value < 1).Select(entry => $"{entry.Name} is {entry.Value}; it must be at least 1.");

    private IEnumerable<string> LayerMistakes()
    {
        IEnumerable<string> mistakes = BelowOne((nameof(Dim), Dim), (nameof(Hidden), Hidden));
        return Layers == 1 && Experts[0] != 0
            ? mistakes
            : mistakes.Append($"{nameof(Experts)} is [{string.Join(", ", Experts)}]; a layer without a trunk is one layer of at least 1 expert.");
    }

    private IEnumerable<string> DecoderMistakes()
    {
        if (Trunk != Trunk.Decoder)
        {
            yield return $"{nameof(Trunk)} is {Trunk}; it must be one of {string.Join(", ", Enum.GetNames<Trunk>())}.";
        }

        foreach (string mistake in BelowOne(
            (nameof(Vocabulary), Vocabulary), (nameof(Dim), Dim), (nameof(Heads), Heads), (nameof(KeyValueHeads), KeyValueHeads),
            (nameof(Hidden), Hidden), (nameof(MaximumSequence), MaximumSequence), ("Layers", Layers)))
        {
            yield return mistake;
        }

        if (Heads > 0 && (Dim % Heads != 0 || Dim / Heads % 2 != 0))
        {
            yield return $"{nameof(Dim)} is {Dim}; it must be a multiple of twice the {Heads} heads.";
        }

        if (KeyValueHeads > 0 && Heads % KeyValueHeads != 0)
        {
            yield return $"{nameof(KeyValueHeads)} is {KeyValueHeads}; it must divide the {Heads} heads.";
        }

        if (!(RmsEpsilon > 0 && RopeTheta > 0 && float.IsFinite(RmsEpsilon) && float.IsFinite(RopeTheta)))
        {
            yield return $"{nameof(RmsEpsilon)} {RmsEpsilon} and {nameof(RopeTheta)} {RopeTheta} must be positive and finite.";
        }
    }

    private IEnumerable<string> MixtureMistakes()
    {
        if (SharedExperts < 0)
        {
            yield return $"{nameof(SharedExperts)} is {SharedExperts}; it must be 0 (none) or more.";
        }

        if (Residual && SharedExperts > 0)
        {
            yield return $"{nameof(Residual)} is set, but {nameof(SharedExperts)} is {SharedExperts}: two forms of one branch; choose one.";
        }

        if (Kinds.Experts.MistakeOf(nameof(Expert), Expert) is { } unknown)
        {
            yield return unknown;
        }

        for (int layer = 0; layer < Layers; layer++)
        {
            if (Experts[layer] < 0)
            {
                yield return $"{nameof(Experts)}[{layer}] is {Experts[layer]}; it must be 0 (dense) or more.";
            }
            else if (Experts[layer] > 0)
            {
                foreach (string mistake in Gate.Mistakes(Experts[layer], Kinds.Gates))
                {
                    yield return $"Layer {layer}: {mistake}";
                }
            }
        }
    }
}
