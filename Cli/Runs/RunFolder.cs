using System.Text.Json;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Runs;

/// <summary>The folder of a run: run.json, status.json, and the checkpoint in a folder of its own.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Checkpoint">The checkpoint's folder.</param>
internal sealed record RunFolder(string Path, string Checkpoint)
{
    private const string CheckpointName = "checkpoint";

    /// <summary>The name of the folder, and so of the run.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>The file that says how the run stands.</summary>
    public string StatusFile => System.IO.Path.Combine(Path, "status.json");

    /// <summary>What to type to go on with this run.</summary>
    public string ResumeCommand =>
        System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) == System.IO.Path.GetFullPath(OutputPath.Runs) && Checkpoint == At(Path).Checkpoint
            ? $"moe resume {System.IO.Path.GetFileName(System.IO.Path.GetFullPath(Path))}"
            : $"moe resume --checkpoint {Checkpoint}";

    private string RecordFile => System.IO.Path.Combine(Path, "run.json");

    /// <summary>The run folder at a path.</summary>
    public static RunFolder At(string path) => new(path, System.IO.Path.Combine(path, CheckpointName));

    /// <summary>The folder that a command is asked for.</summary>
    /// <param name="name">Name of a run; null when a checkpoint is given.</param>
    /// <param name="checkpoint">Folder of a checkpoint; null when a name is given.</param>
    /// <param name="runs">Folder that holds the runs.</param>
    /// <exception cref="UsageException">Neither is given, or both are, or the name is none.</exception>
    public static RunFolder Of(string? name, string? checkpoint, string runs)
    {
        UsageException.ThrowUnless(name is not null || checkpoint is not null, "the NAME of a run or --checkpoint FOLDER must be given.");
        UsageException.ThrowUnless(name is null || checkpoint is null, "NAME and --checkpoint exclude each other.");
        if (name is null)
        {
            return OfCheckpoint(checkpoint!);
        }

        OutputPath.RequireRunName("NAME", name);
        return At(System.IO.Path.Combine(runs, name));
    }

    /// <summary>The run folder that a checkpoint belongs to: its parent, or itself when the parent is no run folder. A run's own folder may be given for its checkpoint.</summary>
    public static RunFolder OfCheckpoint(string checkpoint)
    {
        if (!File.Exists(System.IO.Path.Combine(checkpoint, CheckpointFolder.IndexFile)) && File.Exists(At(checkpoint).RecordFile))
        {
            return At(checkpoint);
        }

        string? parent = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(checkpoint)));
        RunFolder around = new(parent ?? checkpoint, checkpoint);
        return File.Exists(around.RecordFile) ? around : new RunFolder(checkpoint, checkpoint);
    }

    /// <summary>Reads run.json, with full paths and the name that the folder has now; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunFile? ReadRunFile() =>
        Read<RunFile>(RecordFile, record => record with { Name = Name, Text = [.. record.Text.Select(text => System.IO.Path.GetFullPath(text, Full))] });

    /// <summary>Reads status.json, with full paths and the name that the folder has now; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunStatus? ReadStatus() =>
        Read<RunStatus>(StatusFile, status => status with { Name = Name, Checkpoint = status.Checkpoint is { } place ? Placed(place) : null });

    /// <summary>Opens the checkpoint, and says what is known against it.</summary>
    /// <exception cref="CheckpointException">There is none that can be read.</exception>
    public CheckpointFolder OpenCheckpoint(CommandOutput output)
    {
        var checkpoint = CheckpointFolder.Open(Checkpoint);
        if (!checkpoint.HasChecksums)
        {
            output.Error.WriteLine(
                $"The checkpoint in {Checkpoint} has no checksums, as earlier versions wrote none: damage in it would not be noticed. The next save adds them.");
        }

        return checkpoint;
    }

    /// <summary>Writes run.json. Text below the current folder is seen from the run's, so that both can be moved or copied together.</summary>
    public void Write(RunFile record) => Write(RecordFile, record with { Text = [.. record.Text.Select(Seen)] });

    /// <summary>Writes status.json, with paths as they are seen from the folder, so that it can be moved or copied.</summary>
    public void Write(RunStatus status) => Write(StatusFile, status with
    {
        Checkpoint = status.Checkpoint is { } place && System.IO.Path.IsPathRooted(place) ? System.IO.Path.GetRelativePath(Full, place) : status.Checkpoint,
    });

    private string Full => System.IO.Path.GetFullPath(Path);

    /// <summary>Where a checkpoint is now. Earlier versions wrote full paths, of which the folder may have been moved away.</summary>
    private string Placed(string place) => !System.IO.Path.IsPathRooted(place) ? System.IO.Path.GetFullPath(place, Full)
        : System.IO.Path.GetFileName(place) == CheckpointName ? System.IO.Path.Combine(Full, CheckpointName)
        : Full;

    private string Seen(string text)
    {
        string fromHere = System.IO.Path.GetRelativePath(Environment.CurrentDirectory, text);
        return System.IO.Path.IsPathRooted(fromHere) || fromHere.Split(System.IO.Path.DirectorySeparatorChar)[0] == ".." ? text
            : System.IO.Path.GetRelativePath(Full, text);
    }

    private void Write<T>(string file, T content)
    {
        Directory.CreateDirectory(Path);
        AtomicFile.Write(file, JsonSerializer.Serialize(content, SnakeCase.Indented));
    }

    private static T? Read<T>(string file, Func<T, T> placed)
        where T : class
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return placed(Parse<T>(RegularFile.ReadText(file)));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidDataException($"{file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Parses a file's text.</summary>
    /// <exception cref="JsonException">The text is no such object.</exception>
    internal static T Parse<T>(string text)
        where T : class => JsonSerializer.Deserialize<T>(text, SnakeCase.Indented) ?? throw new JsonException("It is empty.");
}
