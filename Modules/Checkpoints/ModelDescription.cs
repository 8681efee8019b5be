using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// The config.json of a checkpoint: the model as it routes now, not as it began. One that computes what Mixtral computes is called one, so that other
/// programs load it; any other has a name of its own, so that no program loads it as a Mixtral.
/// </summary>
internal static class ModelDescription
{
    private const string OwnType = "moeactors";
    private const string CreatorKey = "created_by";
    private const string Creator = "MoEActors";

    /// <summary>Describes a model.</summary>
    /// <param name="model">The model as it began.</param>
    /// <param name="gates">Routing policies in force, of the layers where they are others.</param>
    public static JsonObject Of(ModelConfiguration model, IReadOnlyList<GatePolicy> gates)
    {
        GateOptions[] policies = [.. model.MoELayers.Select(layer => gates.FirstOrDefault(gate => gate.Layer == layer)?.Options ?? model.Gate)];
        bool mixtral = IsMixtral(model, policies);
        var description = new JsonObject
        {
            ["architectures"] = new JsonArray(mixtral ? "MixtralForCausalLM" : "MoEActorsForCausalLM"),
            ["model_type"] = mixtral ? "mixtral" : OwnType,
            [CreatorKey] = Creator,
            ["vocab_size"] = model.Vocabulary,
            ["hidden_size"] = model.Dim,
            ["intermediate_size"] = model.Hidden,
            ["num_hidden_layers"] = model.Layers,
            ["num_attention_heads"] = model.Heads,
            ["num_key_value_heads"] = model.KeyValueHeads,
            ["num_experts_per_tok"] = ExpertsPerToken(policies),
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
            description["gates"] = new JsonArray([.. gates.Select(CheckpointIndex.WritePolicy)]);
        }

        return description;
    }

    /// <summary>Whether a description is one of ours.</summary>
    /// <exception cref="FormatException">It is no description.</exception>
    public static bool IsOurs(string text)
    {
        using JsonDocument json = JsonText.Parse(Encoding.UTF8.GetBytes(text));
        return Is(json.RootElement, CreatorKey, Creator) || Is(json.RootElement, "model_type", OwnType);
    }

    private static bool Is(JsonElement description, string key, string value) =>
        description.TryGetProperty(key, out JsonElement found) && found.ValueKind == JsonValueKind.String && found.ValueEquals(value);

    /// <summary>One number where layers are alike; else one by MoE layer.</summary>
    private static JsonNode ExpertsPerToken(GateOptions[] policies) => policies.Select(gate => gate.TopK).Distinct().ToArray() is [var one]
        ? one : new JsonArray([.. policies.Select(gate => JsonValue.Create(gate.TopK))]);

    /// <summary>
    /// Whether the forward pass at evaluation is Mixtral's: as many SwiGLU experts on every layer, softmax over all, the k best with weights that sum
    /// to one, the same k everywhere, no token dropped.
    /// </summary>
    private static bool IsMixtral(ModelConfiguration model, GateOptions[] policies) =>
        model.Kinds.Experts.Get(model.Expert) is SwiGluExpert
        && model.SharedExperts == 0
        && !model.Residual
        && model.Experts.All(experts => experts > 0 && experts == model.Experts[0])
        && policies.All(gate => gate.TopK == policies[0].TopK && IsMixtral(gate));

    private static bool IsMixtral(GateOptions gate) =>
        gate.Kind == new GateOptions().Kind
        && gate is { Scores: GateScores.Softmax, Renormalise: true, TopK: > 1, Groups: 1, RoutedScale: 1f, CapacityFactor: 0f };
}
