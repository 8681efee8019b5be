using System.Text.Json.Nodes;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// The config.json of a checkpoint. A model that computes what Mixtral computes is called one, so that other programs load it; any other has a
/// name of its own, so that no program loads it as a Mixtral.
/// </summary>
internal static class ModelDescription
{
    /// <summary>Describes a model.</summary>
    public static JsonObject Of(ModelConfiguration model)
    {
        bool mixtral = IsMixtral(model);
        var description = new JsonObject
        {
            ["architectures"] = new JsonArray(mixtral ? "MixtralForCausalLM" : "MoEActorsForCausalLM"),
            ["model_type"] = mixtral ? "mixtral" : "moeactors",
            ["vocab_size"] = model.Vocabulary,
            ["hidden_size"] = model.Dim,
            ["intermediate_size"] = model.Hidden,
            ["num_hidden_layers"] = model.Layers,
            ["num_attention_heads"] = model.Heads,
            ["num_key_value_heads"] = model.KeyValueHeads,
            ["num_experts_per_tok"] = model.Gate.TopK,
            ["max_position_embeddings"] = model.MaximumSequence,
            ["rms_norm_eps"] = model.RmsEpsilon,
            ["rope_theta"] = model.RopeTheta,
            ["tie_word_embeddings"] = false,
            ["torch_dtype"] = "float32",
        };
        if (mixtral)
        {
            description["num_local_experts"] = model.Experts[0];
            description["hidden_act"] = "silu";
        }
        else
        {
            description["model"] = JsonNode.Parse(new RunConfiguration { Model = model }.ToJson())!["model"]!.DeepClone();
        }

        return description;
    }

    /// <summary>
    /// Whether the forward pass at evaluation is Mixtral's: as many SwiGLU experts on every layer, softmax over all, the k best with weights that sum
    /// to one, no token dropped.
    /// </summary>
    private static bool IsMixtral(ModelConfiguration model) =>
        model.Kinds.Experts.Get(model.Expert) is SwiGluExpert
        && model.SharedExperts == 0
        && !model.Residual
        && model.Experts.All(experts => experts > 0 && experts == model.Experts[0])
        && model.Gate.Kind == new GateOptions().Kind
        && model.Gate is { Scores: GateScores.Softmax, Renormalise: true, TopK: > 1, Groups: 1, RoutedScale: 1f, CapacityFactor: 0f };
}
