namespace MoEActors.Client.History;

/// <summary>Writes the history of a run to a file (<see cref="RunHistory"/>). What could not be written is told of in the file, by a <see cref="GapEvent"/>, as soon as it can be written to again.</summary>
public sealed class HistoryWriter : RunFileWriter
{
    private HistoryWriter(Stream file)
        : base(file, "history", "lines")
    {
    }

    /// <summary>Goes on with a history, or begins one.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="after">The step that the run goes on from. Lines of later steps are cut off, since those steps are trained again.</param>
    /// <exception cref="IOException">The file cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written to.</exception>
    public static HistoryWriter Open(string path, long after)
    {
        long end = File.Exists(path) ? EndOf(path, after) : 0;
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
        file.SetLength(end);
        file.Position = end;
        return new HistoryWriter(file);
    }

    /// <summary>As <see cref="Open"/>, to any stream that can be written to anywhere.</summary>
    internal static HistoryWriter To(Stream stream) => new(stream);

    /// <inheritdoc />
    private protected override void Write(RunEvent happened, Stream stream) => RunHistory.Write(happened, stream);

    /// <summary>Where the line of the first later step begins; a line without an end is cut off, too.</summary>
    private static long EndOf(string path, long after)
    {
        long end = 0;
        foreach ((RunEvent? happened, long start, long next) in RunHistory.Lines(path))
        {
            if (happened?.Step > after)
            {
                return start;
            }

            end = next;
        }

        return end;
    }
}
