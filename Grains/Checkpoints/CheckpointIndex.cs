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
/// The files beside the tensors: the model for readers of the Hugging Face convention, and the index, which has the run's own configuration and
/// says which tensor is in which file. Replacing the index is what makes a checkpoint the current one.
/// </summary>
internal static class CheckpointIndex
{
    /// <summary>What the names of files with optimizer state start with.</summary>
    public const string OptimizerStem = "optimizer";

    /// <summary>What is there while a save is at work.</summary>
    public const string LockFile = ".saving";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes configuration and index, in this order.</summary>
    public static void Write(
        IFileStore store, string folder, RunConfiguration run, RunRecord record, string cursor, IReadOnlyList<BlockReport> files)
    {
        if (run.Model.Backbone == Backbone.Decoder)
        {
            WriteText(store, folder, CheckpointFolder.ModelFile, ModelDescription.Of(run.Model).ToJsonString(Indented));
        }

        var index = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["total_size"] = files.Where(file => !IsOptimizer(file)).Sum(file => file.Bytes),
                ["step"] = record.Step,
                ["cursor"] = cursor,
                ["gates"] = new JsonArray([.. record.Gates.Select(Policy)]),
                ["run"] = JsonNode.Parse(run.ToJson()),
            },
            ["weight_map"] = Map(files.Where(file => !IsOptimizer(file))),
            ["optimizer_map"] = Map(files.Where(IsOptimizer)),
        };
        WriteText(store, folder, CheckpointFolder.IndexFile, index.ToJsonString(Indented));
    }

    /// <summary>Deletes what saves left that were killed or failed, and what the last one replaced: files of tensors that the folder's index does not name.</summary>
    public static void Tidy(IFileStore store, string folder)
    {
        if (Named(Path.Combine(folder, CheckpointFolder.IndexFile)) is not { } named)
        {
            return;
        }

        foreach (string path in Directory.GetFiles(folder, "*-step-*.safetensors*").Where(path => !named.Contains(Path.GetFileName(path))))
        {
            try
            {
                store.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What the index names is whole; the next save tries again.
            }
        }
    }

    /// <summary>The files that an index names; none where there is no index yet, null where it cannot be read and anything may still be of use.</summary>
    private static HashSet<string?>? Named(string index)
    {
        if (!File.Exists(index))
        {
            return [];
        }

        try
        {
            using var json = JsonDocument.Parse(RegularFile.ReadText(index));
            return
            [
                .. json.RootElement.GetProperty("weight_map").EnumerateObject()
                    .Concat(json.RootElement.GetProperty("optimizer_map").EnumerateObject()).Select(tensor => tensor.Value.GetString()),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
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

    private static void WriteText(IFileStore store, string folder, string name, string text) =>
        store.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
