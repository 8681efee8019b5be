using System.Globalization;
using System.Text.Json;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// A checkpoint on disk: parameters in the Hugging Face layout, Adam moments, the run, the committed step and the caller's cursor. The index
/// has the run, names every file, and is written last: what it names is complete.
/// </summary>
public sealed class CheckpointFolder
{
    /// <summary>Name of the index.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    /// <summary>Name of the model's description for other programs; not read here.</summary>
    public const string ModelFile = "config.json";

    private const string Others =
        " It has weights, perhaps, but neither the optimizer's state nor the run; only what a model of this program has saved can be opened.";

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
        try
        {
            return Parse(folder, RegularFile.ReadText(Path.Combine(folder, IndexFile)), kinds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CheckpointException($"There is no checkpoint to resume in '{folder}': {e.Message}{WordsAboutOthers(folder)}", e);
        }
    }

    /// <summary>Makes sense of an index.</summary>
    internal static CheckpointFolder Parse(string folder, string index, ModelKinds? kinds = null)
    {
        var checkpoint = new CheckpointFolder(folder);
        try
        {
            using JsonDocument json = JsonDocument.Parse(index, new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonElement metadata = json.RootElement.GetProperty("metadata");
            checkpoint.Run = metadata.TryGetProperty("run", out JsonElement run)
                ? RunConfiguration.FromJson(run.GetRawText(), kinds)
                : throw new FormatException($"its index has no run.{Others}");
            checkpoint.Step = metadata.GetProperty("step").GetInt64() is >= 0 and var step ? step : throw new FormatException("its step is negative.");
            checkpoint.Cursor = metadata.TryGetProperty("cursor", out JsonElement cursor) ? cursor.GetString() ?? "" : "";
            checkpoint.Gates = metadata.TryGetProperty("gates", out JsonElement gates) ? [.. gates.EnumerateArray().Select(checkpoint.ReadPolicy)] : [];
            checkpoint.AddFiles(json.RootElement.GetProperty("weight_map"));
            checkpoint.AddFiles(json.RootElement.GetProperty("optimizer_map"));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ModelConfigurationException
            or ArgumentException)
        {
            throw new CheckpointException($"There is no checkpoint to resume in '{folder}': {e.Message}", e);
        }

        return checkpoint;
    }

    /// <summary>
    /// Looks at every tensor that the run needs - which file it is in, its shape, its size - without reading any, so that what is missing is known
    /// before a model is made of the rest.
    /// </summary>
    /// <exception cref="CheckpointException">A file or tensor is missing, truncated, or of another shape.</exception>
    public void RequireComplete()
    {
        ModelConfiguration model = Run.Model;
        RequireBlock("", ModelLayout.Dense(model), HuggingFaceNames.Dense(model));
        IReadOnlyList<ParameterShape> expertLayout = ModelLayout.Expert(model);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            for (int expert = 0; expert < model.Experts[layer]; expert++)
            {
                RequireBlock(ModelLayout.ExpertPrefix(layer, expert), expertLayout, HuggingFaceNames.Expert(model, layer, expert));
            }
        }
    }

    /// <summary>Fills a block with its parameters and moments.</summary>
    /// <param name="device">The device that holds the block.</param>
    /// <param name="block">The block.</param>
    /// <param name="regions">Its tensors by their names in the checkpoint.</param>
    /// <exception cref="CheckpointException">A tensor is missing, truncated, or of another shape, or a moment is not finite.</exception>
    public void Load(IDevice device, ParameterBlock block, IReadOnlyList<TensorRegion> regions)
    {
        foreach (IGrouping<string, TensorRegion> parts in regions.GroupBy(region => region.Parameter))
        {
            Parameter parameter = block[parts.Key];
            float[] values = new float[parameter.Shape.Count];
            foreach (TensorRegion region in parts)
            {
                region.Put(parameter.Shape, Read(region.Name, region.Shape(parameter.Shape)), values);
            }

            device.Write(values, parameter.Vector);
            LoadMoment(device, MomentNames.First(block.Prefix, parameter.Shape), parameter, block.FirstMoments, least: float.MinValue);
            LoadMoment(device, MomentNames.Second(block.Prefix, parameter.Shape), parameter, block.SecondMoments, least: 0);
        }
    }

    /// <summary>A moment that no optimizer can have made would spoil the parameters with a step whose loss and gradient are sound.</summary>
    private void LoadMoment(IDevice device, string name, Parameter parameter, DeviceSpan<float> moments, float least)
    {
        float[] values = Read(name, [parameter.Shape.Rows, parameter.Shape.Columns]);
        int bad = Array.FindIndex(values, value => !(value >= least && float.IsFinite(value)));
        if (bad >= 0)
        {
            throw new CheckpointException(string.Create(
                CultureInfo.InvariantCulture,
                $"Tensor '{name}' in '{_folder}' has {values[bad]} at element {bad}; the optimizer's state must be finite{(least < 0 ? "" : " and not negative")}. The checkpoint is damaged: take an older one."));
        }

        device.Write(values, moments.Slice(parameter.Offset, parameter.Shape.Count));
    }

    /// <summary>Tells a model of somebody else from a folder that has nothing.</summary>
    private static string WordsAboutOthers(string folder) => File.Exists(Path.Combine(folder, ModelFile)) ? Others : "";

    private void RequireBlock(string prefix, IReadOnlyList<ParameterShape> layout, IReadOnlyList<TensorRegion> regions)
    {
        Dictionary<string, ParameterShape> shapes = layout.ToDictionary(shape => shape.Name);
        foreach (TensorRegion region in regions)
        {
            Find(region.Name, region.Shape(shapes[region.Parameter]));
        }

        foreach (ParameterShape shape in layout)
        {
            Find(MomentNames.First(prefix, shape), [shape.Rows, shape.Columns]);
            Find(MomentNames.Second(prefix, shape), [shape.Rows, shape.Columns]);
        }
    }

    private float[] Read(string name, int[] shape)
    {
        SafetensorsFile file = Find(name, shape);
        try
        {
            return file.Read(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw Unreadable(name, e);
        }
    }

    /// <summary>The file with a tensor of that shape.</summary>
    private SafetensorsFile Find(string name, int[] shape)
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
                ? tensors
                : throw new CheckpointException(
                    $"Tensor '{name}' of '{file}' is [{string.Join(", ", found)}]; the model needs [{string.Join(", ", shape)}].");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw Unreadable(name, e);
        }
    }

    private GatePolicy ReadPolicy(JsonElement gate)
    {
        var policy = new GatePolicy(
            gate.GetProperty("layer").GetInt32(), gate.GetProperty("from_step").GetInt64(), GateOptions.FromJson(gate.GetProperty("options").GetRawText()));
        string[] errors = [.. Run.Model.ErrorsOf(policy)];
        return errors.Length == 0
            ? policy
            : throw new FormatException($"the policy of the gate of layer {policy.Layer} cannot work: {string.Join(" ", errors)}");
    }

    private CheckpointException Unreadable(string name, Exception cause) =>
        new($"Tensor '{name}' of the checkpoint in '{_folder}' cannot be read: {cause.Message}", cause);

    private void AddFiles(JsonElement map)
    {
        foreach (JsonProperty tensor in map.EnumerateObject())
        {
            string file = tensor.Value.GetString() ?? "";

            // An index is data: it must not lead out of its folder.
            if (file.Length == 0 || file is "." or ".." || file != Path.GetFileName(file) || file.Contains('\0', StringComparison.Ordinal))
            {
                throw new FormatException($"the index has tensor '{tensor.Name}' in '{file}', which is no file name.");
            }

            if (!_files.TryAdd(tensor.Name, file))
            {
                throw new FormatException($"the index has tensor '{tensor.Name}' twice.");
            }
        }
    }
}

/// <summary>A checkpoint that cannot be read: missing, incomplete, foreign, or not of the model's shape.</summary>
/// <param name="message">Which file or tensor, what is wrong with it, and what to do.</param>
/// <param name="cause">The cause, if there is one.</param>
public sealed class CheckpointException(string message, Exception? cause = null) : Exception(message, cause);
