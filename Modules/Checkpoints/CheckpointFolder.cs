using System.Globalization;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// A checkpoint on disk, as it is read: parameters in the Hugging Face layout, Adam moments, the run, the committed step and the caller's cursor. Workers
/// have written files of tensors (<see cref="CheckpointShard"/>); the index has the run, names every file, and was written last
/// (<see cref="CheckpointSave"/>): what it names is complete.
/// </summary>
public sealed class CheckpointFolder
{
    /// <summary>Name of the index.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    /// <summary>Name of the model's description for other programs; read here only to tell whose it is.</summary>
    public const string ModelFile = "config.json";

    /// <summary>What is there while a save is at work.</summary>
    private const string LockFile = ".saving";

    internal const string Others =
        " It has weights, perhaps, but neither the optimizer's state nor the run; only what a model of this program has saved can be opened.";

    private readonly string _folder;
    private readonly CheckpointIndex _index;
    private readonly Dictionary<string, SafetensorsFile> _open = [];

    private CheckpointFolder(string folder, CheckpointIndex index)
    {
        _folder = folder;
        _index = index;
    }

    /// <summary>The run.</summary>
    public RunConfiguration Run => _index.Run;

    /// <summary>Committed steps.</summary>
    public long Step => _index.Step;

    /// <summary>What the caller saved with it, such as a place in the data.</summary>
    public string Cursor => _index.Cursor;

    /// <summary>Routing policies in force at that step, of the layers where they are others than the run's.</summary>
    public IReadOnlyList<GatePolicy> Gates => _index.Gates;

    /// <summary>What travelled in its layers, and what was learnt of it, as whoever chose it has written it: a JSON object; null for nothing.</summary>
    public string? Parallelism => _index.Parallelism;

    /// <summary>Names of the files that the index mentions.</summary>
    public IReadOnlySet<string> Files => _index.Files.Values.ToHashSet();

    /// <summary>
    /// Whether every tensor is compared with the checksum that was taken when it was saved. Checkpoints of earlier versions have none: damage that leaves
    /// sizes as they are would not be noticed in them.
    /// </summary>
    public bool HasChecksums => _index.Checksums is not null;

    /// <summary>Reads index and run.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kinds">The kinds that its configuration's names refer to; the library's experts and gates unless given.</param>
    /// <exception cref="CheckpointException">There is no complete checkpoint in the folder.</exception>
    public static CheckpointFolder Open(string folder, ModelKinds? kinds = null)
    {
        try
        {
            return Parse(folder, RegularFile.ReadText(Path.Combine(folder, IndexFile)), kinds);
        }
        catch (FileNotFoundException e)
        {
            string advice = File.Exists(Path.Combine(folder, ModelFile)) ? Others : $" Check the path: a checkpoint is a folder with a file {IndexFile}.";
            throw new CheckpointException($"There is no checkpoint to resume in '{folder}': {e.Message}{advice}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CheckpointException($"There is no checkpoint to resume in '{folder}': {e.Message}", e);
        }
    }

    /// <summary>Reads the text of an index.</summary>
    internal static CheckpointFolder Parse(string folder, string index, ModelKinds? kinds = null)
    {
        try
        {
            return new CheckpointFolder(folder, CheckpointIndex.Parse(index, kinds));
        }
        catch (Exception e) when (e is FormatException or ModelConfigurationException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException(
                $"There is no checkpoint to resume in '{folder}': its {IndexFile} cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>Keeps a folder for one save at a time: two at once would delete each other's files.</summary>
    /// <exception cref="IOException">Another save is at work, or the folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static FolderLock Lock(string folder) => FolderLock.Take(folder, LockFile);

    /// <summary>
    /// Deletes what saves left that were killed or failed, and what the last one replaced: files that have the very names that saves give, and that the
    /// folder's index does not name. Beside an index that no save of ours has written, or that cannot be read, anything may still be of use and stays.
    /// </summary>
    public static void Tidy(IFileStore store, string folder)
    {
        try
        {
            if (Named(Path.Combine(folder, IndexFile)) is { } named)
            {
                foreach (string path in Directory.GetFiles(folder).Where(path => CheckpointFileName.IsOfSave(Path.GetFileName(path)) && !named.Contains(Path.GetFileName(path))))
                {
                    store.Delete(path);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What the index names is whole; the next save tries again.
        }
    }

    /// <summary>
    /// Looks at every tensor that the run needs - which file it is in, its shape, its size - without reading any, so that what is missing is known
    /// before a model is created.
    /// </summary>
    /// <param name="moments">Whether the run needs the optimizer's state, too, to be trained on.</param>
    /// <exception cref="CheckpointException">A file or tensor is missing, truncated, or of another shape.</exception>
    public void RequireComplete(bool moments = true)
    {
        ModelConfiguration model = Run.Model;
        RequireBlock("", ModelLayout.Dense(model), HuggingFaceNames.Dense(model), moments);
        IReadOnlyList<ParameterShape> expertLayout = ModelLayout.Expert(model);
        for (int layer = 0; layer < model.Layers; layer++)
        {
            for (int expert = 0; expert < model.Experts[layer]; expert++)
            {
                RequireBlock(ModelLayout.ExpertPrefix(layer, expert), expertLayout, HuggingFaceNames.Expert(model, layer, expert), moments);
            }
        }
    }

    /// <summary>Fills a block with its parameters and moments.</summary>
    /// <param name="device">The device that holds the block.</param>
    /// <param name="block">The block.</param>
    /// <param name="regions">Its tensors by their names in the checkpoint.</param>
    /// <param name="moments">Whether the optimizer's state is read, too; without it the block cannot be trained on.</param>
    /// <exception cref="CheckpointException">A tensor is missing, damaged, truncated, or of another shape, or a moment is not finite.</exception>
    public void Load(IDevice device, ParameterBlock block, IReadOnlyList<TensorRegion> regions, bool moments = true)
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
            if (moments)
            {
                LoadMoment(device, MomentNames.First(block.Prefix, parameter.Shape), parameter, block.FirstMoments, least: float.MinValue);
                LoadMoment(device, MomentNames.Second(block.Prefix, parameter.Shape), parameter, block.SecondMoments, least: 0);
            }
        }

        block.RoundValues();
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

    private void RequireBlock(string prefix, IReadOnlyList<ParameterShape> layout, IReadOnlyList<TensorRegion> regions, bool moments)
    {
        Dictionary<string, ParameterShape> shapes = layout.ToDictionary(shape => shape.Name);
        foreach (TensorRegion region in regions)
        {
            Find(region.Name, region.Shape(shapes[region.Parameter]));
        }

        foreach (ParameterShape shape in moments ? layout : [])
        {
            Find(MomentNames.First(prefix, shape), [shape.Rows, shape.Columns]);
            Find(MomentNames.Second(prefix, shape), [shape.Rows, shape.Columns]);
        }
    }

    private float[] Read(string name, int[] shape)
    {
        SafetensorsFile file = Find(name, shape);
        float[] values;
        try
        {
            values = file.Read(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw Unreadable(name, e);
        }

        return _index.Checksums is null || _index.Checksums[name] == Checksum.Of(values)
            ? values
            : throw new CheckpointException(
                $"Tensor '{name}' of '{_index.Files[name]}' in '{_folder}' is not what was saved: its SHA-256 is another than the index has. The file is damaged: copy it anew from where it is whole, or take an older checkpoint.");
    }

    /// <summary>The file with a tensor of that shape.</summary>
    private SafetensorsFile Find(string name, int[] shape)
    {
        if (!_index.Files.TryGetValue(name, out string? file))
        {
            throw new CheckpointException(
                MomentNames.IsMoment(name) && !_index.Files.Keys.Any(MomentNames.IsMoment)
                    ? $"The checkpoint in '{_folder}' has no optimizer's state: a text can be generated from it, but it cannot be trained on."
                    : $"The checkpoint in '{_folder}' has no tensor '{name}'; it belongs to another model.");
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

    private CheckpointException Unreadable(string name, Exception cause) =>
        new($"Tensor '{name}' of the checkpoint in '{_folder}' cannot be read: {cause.Message.TrimEnd('.')}. Copy the file anew from where it is whole, or take an older checkpoint.", cause);

    /// <summary>The files that an index of ours names; none where there is no index yet, null where there is another.</summary>
    private static HashSet<string>? Named(string index)
    {
        try
        {
            return File.Exists(index) ? CheckpointIndex.FilesOf(RegularFile.ReadText(index)) : [];
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>A checkpoint that cannot be read: missing, incomplete, of another program, or not of the model's shape.</summary>
/// <param name="message">Which file or tensor, what is wrong with it, and what to do.</param>
/// <param name="cause">The cause, if there is one.</param>
public sealed class CheckpointException(string message, Exception? cause = null) : Exception(message, cause);
