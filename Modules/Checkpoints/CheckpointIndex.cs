using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Modules.Checkpoints;

/// <summary>The index of a checkpoint: the run's own configuration, and which tensor is in which file. One form for reading and writing.</summary>
/// <param name="Run">The run.</param>
/// <param name="Step">Committed steps.</param>
/// <param name="Cursor">What the caller saved with it.</param>
/// <param name="Gates">Routing policies in force at that step, where they are others than the run's.</param>
/// <param name="Files">By tensor, moments included: the name of its file.</param>
internal sealed record CheckpointIndex(
    RunConfiguration Run, long Step, string Cursor, IReadOnlyList<GatePolicy> Gates, IReadOnlyDictionary<string, string> Files)
{
    private const string Metadata = "metadata";
    private const string WeightMap = "weight_map";
    private const string MomentMap = "optimizer_map";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads the text of an index.</summary>
    /// <exception cref="FormatException">It has no run, or says what cannot be. Other exceptions are those of reading JSON and of validating a run.</exception>
    public static CheckpointIndex Parse(string text, ModelKinds? kinds)
    {
        using JsonDocument json = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        JsonElement metadata = json.RootElement.GetProperty(Metadata);
        RunConfiguration run = metadata.TryGetProperty("run", out JsonElement written)
            ? RunConfiguration.FromJson(written.GetRawText(), kinds)
            : throw new FormatException($"its index has no run.{CheckpointFolder.Others}");
        long step = metadata.GetProperty("step").GetInt64() is >= 0 and var committed ? committed : throw new FormatException("its step is negative.");
        string cursor = metadata.TryGetProperty("cursor", out JsonElement place) ? place.GetString() ?? "" : "";
        GatePolicy[] policies = metadata.TryGetProperty("gates", out JsonElement gates) ? [.. gates.EnumerateArray().Select(gate => ReadPolicy(gate, run.Model))] : [];
        Dictionary<string, string> files = [];
        AddFiles(json.RootElement.GetProperty(WeightMap), files);
        AddFiles(json.RootElement.GetProperty(MomentMap), files);
        return new CheckpointIndex(run, step, cursor, policies, files);
    }

    /// <summary>The files that an index names, whatever else it has.</summary>
    public static HashSet<string?> FilesOf(string text)
    {
        using JsonDocument json = JsonDocument.Parse(text);
        return
        [
            .. json.RootElement.GetProperty(WeightMap).EnumerateObject()
                .Concat(json.RootElement.GetProperty(MomentMap).EnumerateObject()).Select(tensor => tensor.Value.GetString()),
        ];
    }

    /// <summary>The text of an index.</summary>
    public static string Write(RunConfiguration run, long step, string cursor, IReadOnlyList<GatePolicy> gates, IReadOnlyList<CheckpointFile> files) => new JsonObject
    {
        [Metadata] = new JsonObject
        {
            ["total_size"] = files.Where(file => !file.HasMoments).Sum(file => file.Bytes),
            ["step"] = step,
            ["cursor"] = cursor,
            ["gates"] = new JsonArray([.. gates.Select(WritePolicy)]),
            ["run"] = JsonNode.Parse(run.ToJson()),
        },
        [WeightMap] = Map(files.Where(file => !file.HasMoments)),
        [MomentMap] = Map(files.Where(file => file.HasMoments)),
    }.ToJsonString(Indented);

    private static GatePolicy ReadPolicy(JsonElement gate, ModelConfiguration model)
    {
        var policy = new GatePolicy(
            gate.GetProperty("layer").GetInt32(), gate.GetProperty("from_step").GetInt64(), GateOptions.FromJson(gate.GetProperty("options").GetRawText()));
        string[] errors = [.. model.ErrorsOf(policy)];
        return errors.Length == 0
            ? policy
            : throw new FormatException($"the policy of the gate of layer {policy.Layer} cannot work: {string.Join(" ", errors)}");
    }

    private static JsonObject WritePolicy(GatePolicy gate) => new()
    {
        ["layer"] = gate.Layer,
        ["from_step"] = gate.FromStep,
        ["options"] = JsonNode.Parse(gate.Options.ToJson()),
    };

    private static void AddFiles(JsonElement map, Dictionary<string, string> files)
    {
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string file = tensor.Value.GetString() ?? "";

            // An index is data: it must not lead out of its folder.
            if (file.Length == 0 || file is "." or ".." || file != Path.GetFileName(file) || file.Contains('\0', StringComparison.Ordinal))
            {
                throw new FormatException($"the index has tensor '{tensor.Name}' in '{file}', which is no file name.");
            }

            if (!files.TryAdd(tensor.Name, file))
            {
                throw new FormatException($"the index has tensor '{tensor.Name}' twice.");
            }
        }
    }

    private static JsonObject Map(IEnumerable<CheckpointFile> files)
    {
        var map = new JsonObject();
        foreach ((string tensor, string file) in files
            .SelectMany(file => file.Tensors.Select(tensor => (tensor, file.Name))).OrderBy(entry => entry.tensor, StringComparer.Ordinal))
        {
            map.Add(tensor, file);
        }

        return map;
    }
}
