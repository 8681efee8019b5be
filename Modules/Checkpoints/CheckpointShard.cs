using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Checkpoints;

/// <summary>A file of tensors that was written for a checkpoint whose index is still to come.</summary>
/// <param name="Name">Its name in the checkpoint's folder.</param>
/// <param name="Tensors">Names of its tensors.</param>
/// <param name="Bytes">Bytes of their data.</param>
/// <param name="Checksums">In the order of the tensors: SHA-256 of their bytes, in hexadecimal.</param>
public sealed record CheckpointFile(string Name, IReadOnlyList<string> Tensors, long Bytes, IReadOnlyList<string> Checksums)
{
    /// <summary>Whether it has the optimizer's state, not parameters.</summary>
    internal bool HasMoments => Name.StartsWith(CheckpointFileName.MomentStem, StringComparison.Ordinal);
}

/// <summary>What one worker writes of a checkpoint: a file of parameters and one of their moments.</summary>
public sealed class CheckpointShard
{
    private readonly SafetensorsWriter _weights = new();
    private readonly SafetensorsWriter _moments = new();

    /// <summary>Adds a block; its elements are read when the files are written.</summary>
    /// <param name="block">The block.</param>
    /// <param name="regions">Its tensors by their names in the checkpoint.</param>
    public void Add(ParameterBlock block, IReadOnlyList<TensorRegion> regions) => Add(block, regions, (parameter, part) =>
    {
        float[] values = new float[parameter.Shape.Count];
        block.Read(parameter, part, values);
        return values;
    });

    /// <summary>Adds a copy that was made of a block; it must stay as it is until the files are written.</summary>
    /// <param name="block">The block, for its tensors' names and shapes.</param>
    /// <param name="regions">Its tensors by their names in the checkpoint.</param>
    /// <param name="copy">The elements of a part of a tensor.</param>
    public void Add(ParameterBlock block, IReadOnlyList<TensorRegion> regions, Func<Parameter, BlockPart, float[]> copy)
    {
        foreach (TensorRegion region in regions)
        {
            Parameter parameter = block[region.Parameter];
            _weights.Add(region.Name, region.Shape(parameter.Shape), () => region.Take(parameter.Shape, copy(parameter, BlockPart.Values)));
        }

        foreach (Parameter parameter in block.Parameters)
        {
            int[] shape = [parameter.Shape.Rows, parameter.Shape.Columns];
            _moments.Add(MomentNames.First(block.Prefix, parameter.Shape), shape, () => copy(parameter, BlockPart.FirstMoments));
            _moments.Add(MomentNames.Second(block.Prefix, parameter.Shape), shape, () => copy(parameter, BlockPart.SecondMoments));
        }
    }

    /// <summary>Writes the files into a folder that exists; none when nothing was added.</summary>
    /// <param name="store">Where files are written.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="step">The step whose state this is.</param>
    /// <param name="tag">Tells this save from others.</param>
    /// <param name="rank">The worker.</param>
    /// <param name="workers">Workers that save.</param>
    /// <exception cref="IOException">A file could not be written.</exception>
    public IReadOnlyList<CheckpointFile> Write(IFileStore store, string folder, long step, string tag, int rank, int workers)
    {
        if (!_weights.Names.Any())
        {
            return [];
        }

        string NameOf(string stem) => CheckpointFileName.Of(stem, step, tag, rank, workers);
        return
        [
            Write(store, folder, NameOf(CheckpointFileName.WeightStem), _weights), Write(store, folder, NameOf(CheckpointFileName.MomentStem), _moments),
        ];
    }

    private static CheckpointFile Write(IFileStore store, string folder, string name, SafetensorsWriter writer)
    {
        store.Write(Path.Combine(folder, name), writer.WriteTo);
        return new CheckpointFile(name, [.. writer.Names], writer.DataBytes, writer.Checksums);
    }
}

/// <summary>Names of optimizer state in a checkpoint: the block's prefix, the parameter, and which moment. Shapes are the parameters' own.</summary>
internal static class MomentNames
{
    private const string FirstEnding = ".first_moment";
    private const string SecondEnding = ".second_moment";

    /// <summary>Name of a first moment.</summary>
    /// <param name="prefix">Prefix of the block; empty for the dense part.</param>
    /// <param name="parameter">The parameter.</param>
    public static string First(string prefix, ParameterShape parameter) => $"{Block(prefix)}{parameter.Name}{FirstEnding}";

    /// <summary>Name of a second moment.</summary>
    /// <param name="prefix">Prefix of the block; empty for the dense part.</param>
    /// <param name="parameter">The parameter.</param>
    public static string Second(string prefix, ParameterShape parameter) => $"{Block(prefix)}{parameter.Name}{SecondEnding}";

    /// <summary>Whether a tensor is a moment.</summary>
    public static bool IsMoment(string name) =>
        name.EndsWith(FirstEnding, StringComparison.Ordinal) || name.EndsWith(SecondEnding, StringComparison.Ordinal);

    private static string Block(string prefix) => prefix.Length == 0 ? "dense." : prefix;
}
