using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Models;

/// <summary>The tensors of a model: names, shapes, initial values. The dense part is on every worker, an expert on its own.</summary>
public static class ModelLayout
{
    /// <summary>Name of the tensor that tokens begin with.</summary>
    public const string Embedding = "embed_tokens";

    /// <summary>Deviation of embeddings: small, so that the first norms see balanced rows.</summary>
    private const float EmbeddingDeviation = 0.02f;

    /// <summary>Everything but the experts, in canonical order.</summary>
    public static IReadOnlyList<ParameterShape> Dense(ModelConfiguration model)
    {
        if (model.Backbone == Backbone.None)
        {
            return [.. model.MoELayers.SelectMany(layer => Mixture(model, layer))];
        }

        AttentionShape attention = model.Attention;
        float deviation = 1f / MathF.Sqrt(model.Dim);
        // Branches that end in the residual stream start smaller, by the root of their number (GPT-2).
        float branch = 1f / MathF.Sqrt(2f * model.Layers);
        List<ParameterShape> shapes = [ParameterShape.Weight(Embedding, model.Vocabulary, model.Dim, EmbeddingDeviation) with { IsOperand = false }];
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = LayerPrefix(layer);
            shapes.Add(ParameterShape.Scale($"{prefix}input_norm", model.Dim));
            shapes.Add(ParameterShape.Weight($"{prefix}qkv_proj", model.Dim, attention.Columns, deviation));
            shapes.Add(ParameterShape.Weight($"{prefix}o_proj", attention.QueryColumns, model.Dim, branch / MathF.Sqrt(attention.QueryColumns)));
            shapes.Add(ParameterShape.Scale($"{prefix}post_attention_norm", model.Dim));
            shapes.AddRange(model.Experts[layer] > 0 ? Mixture(model, layer) : Prefixed(prefix, Feedforward(model)));
        }

        shapes.Add(ParameterShape.Scale("norm", model.Dim));
        shapes.Add(ParameterShape.Weight("lm_head", model.Dim, model.Vocabulary, deviation));
        return shapes;
    }

    /// <summary>One expert.</summary>
    public static IReadOnlyList<ParameterShape> Expert(ModelConfiguration model) =>
        model.Kinds.Experts.Get(model.Expert).Layout(model.Dim, model.Hidden);

    /// <summary>The tensors of a dense layer's feed-forward block, names without the layer's prefix.</summary>
    public static IReadOnlyList<ParameterShape> Feedforward(ModelConfiguration model) =>
        Prefixed("mlp.", new SwiGluExpert().Layout(model.Dim, model.Hidden));

    /// <summary>
    /// The tensors of the shared experts of a layer, names without its prefix: n experts that see every token are one of n times the
    /// width. None when there are no shared experts.
    /// </summary>
    public static IReadOnlyList<ParameterShape> SharedExperts(ModelConfiguration model) => model.SharedExperts == 0
        ? []
        : Prefixed("shared_experts.", model.Kinds.Experts.Get(model.Expert).Layout(model.Dim, checked(model.SharedExperts * model.Hidden)));

    /// <summary>The tensors of the expert of the residual form, names without the layer's prefix; none without that form.</summary>
    public static IReadOnlyList<ParameterShape> Residual(ModelConfiguration model) =>
        model.Residual ? Prefixed("residual_mlp.", Expert(model)) : [];

    /// <summary>Name, without the layer's prefix, of the [dim, 2] coefficients of the residual form.</summary>
    public const string ResidualCoefficient = "residual_coefficient";

    /// <summary>Number of parameters of the whole model.</summary>
    public static long ParameterCount(ModelConfiguration model) => DenseCount(model) + model.Experts.Sum(experts => (long)experts) * ExpertCount(model);

    /// <summary>Number of parameters of everything but the experts.</summary>
    internal static long DenseCount(ModelConfiguration model)
    {
        // Layers with as many experts are alike: the work does not grow with their number.
        long ends = Count(Dense(model with { Experts = [] }));
        return model.Experts.CountBy(experts => experts)
            .Aggregate(ends, (sum, layers) => checked(sum + layers.Value * (Count(Dense(model with { Experts = [layers.Key] })) - ends)));
    }

    /// <summary>Number of parameters of one expert.</summary>
    public static long ExpertCount(ModelConfiguration model) => Count(Expert(model));

    private static long Count(IReadOnlyList<ParameterShape> shapes) => shapes.Sum(shape => (long)shape.Rows * shape.Columns);

    /// <summary>What the names of a layer's dense tensors start with.</summary>
    public static string LayerPrefix(int layer) => $"layers.{layer}.";

    /// <summary>What the names of an expert's tensors start with.</summary>
    public static string ExpertPrefix(int layer, int expert) => $"layers.{layer}.experts.{expert}.";

    /// <summary>The tensors of a mixture-of-experts layer that are on every worker.</summary>
    private static ParameterShape[] Mixture(ModelConfiguration model, int layer)
    {
        IEnumerable<ParameterShape> shapes =
        [
            .. model.Kinds.Gates.Get(model.Gate.Kind).Layout(model.Gate, model.Dim, model.Experts[layer]),
            .. SharedExperts(model),
            .. Residual(model),
        ];
        return Prefixed(
            LayerPrefix(layer),
            model.Residual ? shapes.Append(ParameterShape.Weight(ResidualCoefficient, model.Dim, 2, 1f / MathF.Sqrt(model.Dim)) with { IsOperand = false }) : shapes);
    }

    private static ParameterShape[] Prefixed(string prefix, IEnumerable<ParameterShape> shapes) =>
        [.. shapes.Select(shape => shape with { Name = prefix + shape.Name })];
}
