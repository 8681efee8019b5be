using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Checkpoints;

/// <summary>
/// The files beside the tensors: the model in the Hugging Face convention, the run's own configuration, and the index of which tensor is in which
/// file. Replacing the index is what makes a checkpoint the current one; files of the one before are deleted after that.
/// </summary>
internal static class CheckpointIndex
{
    /// <summary>What the names of files with optimizer state start with.</summary>
    public const string OptimizerStem = "optimizer";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes run, configuration and index, in this order, then deletes what no index names any more.</summary>
    public static void Write(
        IFileStore store, string folder, RunConfiguration run, RunRecord record, string cursor, IReadOnlyList<BlockReport> files)
    {
        WriteText(store, folder, CheckpointFolder.RunFile, run.ToJson());
        if (run.Model.Trunk == Trunk.Decoder)
        {
            WriteText(store, folder, "config.json", Configuration(run.Model).ToJsonString(Indented));
        }

        var index = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["total_size"] = files.Where(file => !IsOptimizer(file)).Sum(file => file.Bytes),
                ["step"] = record.Step,
                ["cursor"] = cursor,
                ["gates"] = new JsonArray([.. record.Gates.Select(Policy)]),
            },
            ["weight_map"] = Map(files.Where(file => !IsOptimizer(file))),
            ["optimizer_map"] = Map(files.Where(IsOptimizer)),
        };
        WriteText(store, folder, CheckpointFolder.IndexFile, index.ToJsonString(Indented));
        HashSet<string> current = [.. files.Select(file => file.File)];
        foreach (string path in Directory.GetFiles(folder, "*-step-*.safetensors*").Where(path => !current.Contains(Path.GetFileName(path))))
        {
            store.Delete(path);
        }
    }

    private static JsonObject Policy(GatePolicyMessage gate) => new()
    {
        ["layer"] = gate.Layer,
        ["from_step"] = gate.FromStep,
        ["options"] = JsonNode.Parse(gate.Options),
    };

    private static bool IsOptimizer(BlockReport file) => file.File.StartsWith(OptimizerStem, StringComparison.Ordinal);

    private static JsonObject Map(IEnumerable<BlockReport> files)
    {
        var map = new JsonObject();
        foreach ((string tensor, string file) in files
            .SelectMany(file => file.Tensors.Select(tensor => (tensor, file.File))).OrderBy(entry => entry.tensor, StringComparer.Ordinal))
        {
            map.Add(tensor, file);
        }

        return map;
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

    private static void WriteText(IFileStore store, string folder, string name, string text) =>
        store.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
