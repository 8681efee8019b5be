using System.Text;
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
/// <param name="Parallelism">What travels in its layers, and what was learnt of it, as whoever chooses it has written it: a JSON object; null for nothing.</param>
/// <param name="Files">By tensor, moments included: the name of its file.</param>
/// <param name="Checksums">By tensor, moments included: the <see cref="Checksum"/> of what was written; null for a checkpoint from before there were any.</param>
internal sealed record CheckpointIndex(
    RunConfiguration Run, long Step, string Cursor, IReadOnlyList<GatePolicy> Gates, string? Parallelism, IReadOnlyDictionary<string, string> Files,
    IReadOnlyDictionary<string, string>? Checksums)
{
    private const string Metadata = "metadata";
    private const string RunKey = "run";
    private const string ChecksumKey = "sha256";
    private const string ParallelismKey = "parallelism";
    private const string WeightMap = "weight_map";
    private const string MomentMap = "optimizer_map";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads the text of an index.</summary>
    /// <exception cref="FormatException">It has no run, or says what cannot be.</exception>
    /// <exception cref="ModelConfigurationException">Its run cannot work.</exception>
    public static CheckpointIndex Parse(string text, ModelKinds? kinds)
    {
        using JsonDocument json = JsonText.Parse(Encoding.UTF8.GetBytes(text));
        JsonElement metadata = json.RootElement.Required(Metadata, Metadata, JsonValueKind.Object);
        RunConfiguration run = metadata.Optional("metadata.run", RunKey, JsonValueKind.Object) is { } written
            ? RunConfiguration.FromJson(written.GetRawText(), kinds)
            : throw new FormatException($"it has no run.{CheckpointFolder.Others}");
        long step = metadata.Required("metadata.step", "step", JsonValueKind.Number).Whole("its metadata.step") is >= 0 and var committed
            ? committed : throw new FormatException("its step is negative");
        string cursor = metadata.Optional("metadata.cursor", "cursor", JsonValueKind.String)?.Words("its metadata.cursor") ?? "";
        GatePolicy[] policies = metadata.Optional("metadata.gates", "gates", JsonValueKind.Array) is { } gates
            ? [.. gates.EnumerateArray().Select(gate => ReadPolicy(gate, run.Model))] : [];
        string? parallelism = metadata.Optional("metadata.parallelism", ParallelismKey, JsonValueKind.Object)?.GetRawText();
        Dictionary<string, string> files = [];
        AddFiles(json.RootElement.Required(WeightMap, WeightMap, JsonValueKind.Object), files);
        if (json.RootElement.Optional(MomentMap, MomentMap, JsonValueKind.Object) is { } moments)
        {
            AddFiles(moments, files);
        }

        Dictionary<string, string>? checksums = metadata.Optional("metadata.sha256", ChecksumKey, JsonValueKind.Object) is { } sums
            ? ReadChecksums(sums, files.Keys) : null;
        return new CheckpointIndex(run, step, cursor, policies, parallelism, files, checksums);
    }

    /// <summary>The files that an index of ours names, whether its run can work or not.</summary>
    /// <exception cref="FormatException">It is no index that a save of ours has written.</exception>
    public static HashSet<string> FilesOf(string text)
    {
        using JsonDocument json = JsonText.Parse(Encoding.UTF8.GetBytes(text));
        json.RootElement.Required(Metadata, Metadata, JsonValueKind.Object).Required("metadata.run", RunKey, JsonValueKind.Object);
        Dictionary<string, string> files = [];
        AddFiles(json.RootElement.Required(WeightMap, WeightMap, JsonValueKind.Object), files);
        AddFiles(json.RootElement.Required(MomentMap, MomentMap, JsonValueKind.Object), files);
        return [.. files.Values];
    }

    /// <summary>The model that an index is of, whether it can work or not; null when no program of ours has written it.</summary>
    /// <exception cref="FormatException">It is no index.</exception>
    /// <exception cref="ModelConfigurationException">Its run is no configuration.</exception>
    public static ModelConfiguration? ModelOf(string text)
    {
        using JsonDocument json = JsonText.Parse(Encoding.UTF8.GetBytes(text));
        if (json.RootElement.Optional(Metadata, Metadata, JsonValueKind.Object)?.Optional("metadata.run", RunKey, JsonValueKind.Object) is { } run)
        {
            return RunConfiguration.Parse(run.GetRawText()).Model;
        }

        json.RootElement.Required(WeightMap, WeightMap, JsonValueKind.Object);
        return null;
    }

    /// <summary>The text of an index. Sums are in it when all files have theirs.</summary>
    public static string Write(
        RunConfiguration run, long step, string cursor, IReadOnlyList<GatePolicy> gates, string? parallelism, IReadOnlyList<CheckpointFile> files)
    {
        var metadata = new JsonObject
        {
            ["total_size"] = files.Where(file => !file.HasMoments).Sum(file => file.Bytes),
            ["step"] = step,
            ["cursor"] = cursor,
            ["gates"] = new JsonArray([.. gates.Select(WritePolicy)]),
            [RunKey] = JsonNode.Parse(run.ToJson()),
        };
        if (parallelism is not null)
        {
            metadata[ParallelismKey] = JsonNode.Parse(parallelism);
        }

        if (files.All(file => file.Checksums.Count == file.Tensors.Count))
        {
            metadata[ChecksumKey] = Map(files.SelectMany(file => file.Tensors.Zip(file.Checksums)));
        }

        return new JsonObject
        {
            [Metadata] = metadata,
            [WeightMap] = Map(files.Where(file => !file.HasMoments).SelectMany(Places)),
            [MomentMap] = Map(files.Where(file => file.HasMoments).SelectMany(Places)),
        }.ToJsonString(Indented);
    }

    /// <summary>A policy as it is written wherever a file has one.</summary>
    public static JsonObject WritePolicy(GatePolicy gate) => new()
    {
        ["layer"] = gate.Layer,
        ["from_step"] = gate.FromStep,
        ["options"] = JsonNode.Parse(gate.Options.ToJson()),
    };

    private static GatePolicy ReadPolicy(JsonElement gate, ModelConfiguration model)
    {
        if (gate.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("its metadata.gates has something else than a policy");
        }

        long layer = gate.Required("metadata.gates.layer", "layer", JsonValueKind.Number).Whole("its metadata.gates.layer");
        var policy = new GatePolicy(
            layer is >= 0 and < int.MaxValue ? (int)layer : -1,
            gate.Required("metadata.gates.from_step", "from_step", JsonValueKind.Number).Whole("its metadata.gates.from_step"),
            GateOptions.FromJson(gate.Required("metadata.gates.options", "options", JsonValueKind.Object).GetRawText()));
        string[] errors = [.. model.ErrorsOf(policy)];
        return errors.Length == 0
            ? policy
            : throw new FormatException($"the policy of the gate of layer {layer} cannot work: {string.Join(" ", errors)}");
    }

    private static void AddFiles(JsonElement map, Dictionary<string, string> files)
    {
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string file = tensor.Value.Words($"the file of tensor '{tensor.Name}'");

            // An index is data: it must not lead out of its folder.
            if (file.Length == 0 || file is "." or ".." || file != Path.GetFileName(file) || file.Contains('\0', StringComparison.Ordinal))
            {
                throw new FormatException($"it has tensor '{tensor.Name}' in '{file}', which is no file name");
            }

            if (!files.TryAdd(tensor.Name, file))
            {
                throw new FormatException($"it has tensor '{tensor.Name}' twice");
            }
        }
    }

    private static Dictionary<string, string> ReadChecksums(JsonElement map, IEnumerable<string> tensors)
    {
        Dictionary<string, string> checksums = [];
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string sum = tensor.Value.Words($"the SHA-256 of tensor '{tensor.Name}'");
            checksums[tensor.Name] = sum.Length == Checksum.Digits && sum.All(char.IsAsciiHexDigitLower)
                ? sum : throw new FormatException($"the SHA-256 of tensor '{tensor.Name}' is '{sum}', which is none");
        }

        return tensors.FirstOrDefault(tensor => !checksums.ContainsKey(tensor)) is { } missing
            ? throw new FormatException($"it has no SHA-256 of tensor '{missing}' among those of others")
            : checksums;
    }

    private static IEnumerable<(string Tensor, string File)> Places(CheckpointFile file) => file.Tensors.Select(tensor => (tensor, file.Name));

    private static JsonObject Map(IEnumerable<(string Tensor, string Value)> entries)
    {
        var map = new JsonObject();
        foreach ((string tensor, string value) in entries.OrderBy(entry => entry.Tensor, StringComparer.Ordinal))
        {
            map.Add(tensor, value);
        }

        return map;
    }
}
