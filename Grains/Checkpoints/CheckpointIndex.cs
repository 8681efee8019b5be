using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Checkpoints;

/// <summary>
/// The files beside the tensors: which tensor is in which file, the model in the Hugging Face convention, and the run's own configuration.
/// </summary>
internal static class CheckpointIndex
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes index, configuration and run; the index comes last, as it says that the rest is there.</summary>
    public static void Write(string folder, RunConfiguration run, long step, IReadOnlyList<BlockReport> files)
    {
        WriteFile(folder, "moe-run.json", run.ToJson());
        WriteFile(folder, "config.json", Configuration(run.Model).ToJsonString(Indented));
        var map = new JsonObject();
        foreach ((string tensor, string file) in files.SelectMany(file => file.Tensors.Select(tensor => (tensor, file.File))).OrderBy(entry => entry.tensor, StringComparer.Ordinal))
        {
            map.Add(tensor, file);
        }

        var index = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = files.Sum(file => file.Bytes), ["step"] = step },
            ["weight_map"] = map,
        };
        WriteFile(folder, "model.safetensors.index.json", index.ToJsonString(Indented));
    }

    private static JsonObject Configuration(ModelConfiguration model) => new()
    {
        ["architectures"] = new JsonArray("MixtralForCausalLM"),
        ["model_type"] = "mixtral",
        ["vocab_size"] = model.Vocabulary,
        ["hidden_size"] = model.Dim,
        ["intermediate_size"] = model.Hidden,
        ["num_hidden_layers"] = model.Layers,
        ["num_attention_heads"] = model.Heads,
        ["num_key_value_heads"] = model.KeyValueHeads,
        ["num_local_experts"] = model.Experts.DefaultIfEmpty(0).Max(),
        ["num_experts_per_tok"] = model.Gate.TopK,
        ["max_position_embeddings"] = model.MaximumSequence,
        ["rms_norm_eps"] = model.RmsEpsilon,
        ["rope_theta"] = model.RopeTheta,
        ["hidden_act"] = "silu",
        ["tie_word_embeddings"] = false,
        ["torch_dtype"] = "float32",
    };

    private static void WriteFile(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText($"{path}.unfinished", text);
        File.Move($"{path}.unfinished", path, overwrite: true);
    }
}
