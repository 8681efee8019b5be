using System.Text.Json;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// A checkpoint on disk: parameters in the Hugging Face layout, Adam moments, the run, the committed step and the caller's cursor. The index
/// names every file, and is written last: what it names is complete.
/// </summary>
public sealed class CheckpointFolder
{
    /// <summary>Name of the index.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    /// <summary>Name of the run's configuration.</summary>
    public const string RunFile = "moe-run.json";

    private readonly string _folder;
    private readonly Dictionary<string, string> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _open = [];

    private CheckpointFolder(string folder) => _folder = folder;

    /// <summary>The run.</summary>
    public RunConfiguration Run { get; private set; } = null!;

    /// <summary>Committed steps.</summary>
    public long Step { get; private set; }

    /// <summary>What the caller saved with it, such as a place in the data.</summary>
    public string Cursor { get; private set; } = "";

    /// <summary>Routing policies in force at that step, of the layers where they are others than the run's.</summary>
    public IReadOnlyList<GatePolicy> Gates { get; private set; } = [];

    /// <summary>Names of the files that the index mentions.</summary>
    public IReadOnlySet<string> Files => _files.Values.ToHashSet();

    /// <summary>Reads index and run.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kinds">What the names of its configuration stand for; the library's experts and gates unless given.</param>
    /// <exception cref="CheckpointException">There is no complete checkpoint in the folder.</exception>
    public static CheckpointFolder Open(string folder, ModelKinds? kinds = null)
    {
        var checkpoint = new CheckpointFolder(folder);
        string index = Path.Combine(folder, IndexFile);
        try
        {
            checkpoint.Run = RunConfiguration.FromJson(File.ReadAllText(Path.Combine(folder, RunFile)), kinds);
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(index));
            JsonElement metadata = json.RootElement.GetProperty("metadata");
            checkpoint.Step = metadata.GetProperty("step").GetInt64();
            checkpoint.Cursor = metadata.TryGetProperty("cursor", out JsonElement cursor) ? cursor.GetString() ?? "" : "";
            checkpoint.Gates = metadata.TryGetProperty("gates", out JsonElement gates) ? [.. gates.EnumerateArray().Select(checkpoint.ReadPolicy)] : [];
            checkpoint.AddFiles(json.RootElement.GetProperty("weight_map"));
            checkpoint.AddFiles(json.RootElement.GetProperty("optimizer_map"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or ModelConfigurationException)
        {
            throw new CheckpointException($"There is no checkpoint to resume in '{folder}': {e.Message}", e);
        }

        return checkpoint;
    }

    /// <summary>Fills a block with its parameters and moments.</summary>
    /// <param name="device">The device that holds the block.</param>
    /// <param name="block">The block.</param>
    /// <param name="pieces">Its tensors by their names in the checkpoint.</param>
    /// <exception cref="CheckpointException">A tensor is missing, truncated, or of another shape.</exception>
    public void Load(IDevice device, ParameterBlock block, IReadOnlyList<TensorPiece> pieces)
    {
        foreach (IGrouping<string, TensorPiece> parts in pieces.GroupBy(piece => piece.Parameter))
        {
            Parameter parameter = block[parts.Key];
            float[] values = new float[parameter.Shape.Count];
            foreach (TensorPiece piece in parts)
            {
                piece.Put(parameter.Shape, Read(piece.Name, piece.Shape(parameter.Shape)), values);
            }

            device.Write(values, parameter.Vector);
            LoadMoment(device, MomentNames.First(block, parameter.Shape), parameter, block.FirstMoments);
            LoadMoment(device, MomentNames.Second(block, parameter.Shape), parameter, block.SecondMoments);
        }
    }

    private void LoadMoment(IDevice device, string name, Parameter parameter, DeviceSpan<float> moments) =>
        device.Write(Read(name, [parameter.Shape.Rows, parameter.Shape.Columns]), moments.Slice(parameter.Offset, parameter.Shape.Count));

    private float[] Read(string name, int[] shape)
    {
        if (!_files.TryGetValue(name, out string? file))
        {
            throw new CheckpointException($"The checkpoint in '{_folder}' has no tensor '{name}'; it belongs to another model.");
        }

        try
        {
            if (!_open.TryGetValue(file, out SafetensorsFile? tensors))
            {
                tensors = SafetensorsFile.Open(Path.Combine(_folder, file));
                _open.Add(file, tensors);
            }

            int[] found = tensors.Shape(name);
            return found.SequenceEqual(shape)
                ? tensors.Read(name)
                : throw new CheckpointException(
                    $"Tensor '{name}' of '{file}' is [{string.Join(", ", found)}]; the model needs [{string.Join(", ", shape)}].");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CheckpointException($"Tensor '{name}' of the checkpoint in '{_folder}' cannot be read: {e.Message}", e);
        }
    }

    private GatePolicy ReadPolicy(JsonElement gate)
    {
        var policy = new GatePolicy(
            gate.GetProperty("layer").GetInt32(), gate.GetProperty("from_step").GetInt64(), GateOptions.FromJson(gate.GetProperty("options").GetRawText()));
        string[] mistakes = [.. policy.Mistakes(Run.Model)];
        return mistakes.Length == 0
            ? policy
            : throw new FormatException($"the policy of the gate of layer {policy.Layer} cannot work: {string.Join(" ", mistakes)}");
    }

    private void AddFiles(JsonElement map)
    {
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string file = tensor.Value.GetString() ?? "";

            // An index is data: it must not lead out of its folder.
            if (file.Length == 0 || file != Path.GetFileName(file))
            {
                throw new FormatException($"the index has tensor '{tensor.Name}' in '{file}', which is no file name.");
            }

            _files[tensor.Name] = file;
        }
    }
}
