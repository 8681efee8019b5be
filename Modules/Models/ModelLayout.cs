using MoEActors.Modules.Experts;
using MoEActors.Modules.Layers;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>The tensors of a model: names, shapes, initial values. The dense part is on every worker, an expert on its own.</summary>
public static class ModelLayout
{
    /// <summary>Deviation of embeddings: small, so that the first norms see balanced rows.</summary>
    private const float EmbeddingDeviation = 0.02f;

    /// <summary>Everything but the experts, in canonical order.</summary>
    public static IReadOnlyList<ParameterShape> Dense(ModelConfiguration model)
    {
        AttentionShape attention = model.Attention;
        float deviation = 1f / MathF.Sqrt(model.Dim);
        // Branches that end in the residual stream start smaller, by the root of their number (GPT-2).
        float branch = 1f / MathF.Sqrt(2f * model.Layers);
        List<ParameterShape> shapes = [ParameterShape.Weight("embed_tokens", model.Vocabulary, model.Dim, EmbeddingDeviation)];
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = LayerPrefix(layer);
            shapes.Add(ParameterShape.Scale($"{prefix}input_norm", model.Dim));
            shapes.Add(ParameterShape.Weight($"{prefix}qkv_proj", model.Dim, attention.Columns, deviation));
            shapes.Add(ParameterShape.Weight($"{prefix}o_proj", attention.QueryColumns, model.Dim, branch / MathF.Sqrt(attention.QueryColumns)));
            shapes.Add(ParameterShape.Scale($"{prefix}post_attention_norm", model.Dim));
            if (model.Experts[layer] > 0)
            {
                shapes.Add(ParameterShape.Weight($"{prefix}router", model.Dim, model.Experts[layer], deviation));
            }
            else
            {
                shapes.AddRange(Feedforward(model).Select(shape => shape with { Name = $"{prefix}mlp.{shape.Name}" }));
            }
        }

        shapes.Add(ParameterShape.Scale("norm", model.Dim));
        shapes.Add(ParameterShape.Weight("lm_head", model.Dim, model.Vocabulary, deviation));
        return shapes;
    }

    /// <summary>One expert.</summary>
    public static IReadOnlyList<ParameterShape> Expert(ModelConfiguration model) =>
        ExpertKinds.Get(model.Expert).Layout(model.Dim, model.Hidden);

    /// <summary>The tensors of a dense layer's feed-forward block.</summary>
    public static IReadOnlyList<ParameterShape> Feedforward(ModelConfiguration model) => new SwiGluExpert().Layout(model.Dim, model.Hidden);

    /// <summary>Number of parameters of the whole model.</summary>
    public static long ParameterCount(ModelConfiguration model) =>
        Dense(model).Sum(shape => (long)shape.Count) + model.Experts.Sum(experts => (long)experts) * Expert(model).Sum(shape => (long)shape.Count);

    /// <summary>What the names of a layer's dense tensors start with.</summary>
    public static string LayerPrefix(int layer) => $"layers.{layer}.";

    /// <summary>What the names of an expert's tensors start with.</summary>
    public static string ExpertPrefix(int layer, int expert) => $"layers.{layer}.experts.{expert}.";
}
