using System.Text.Json;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Runs;

/// <summary>The folder of a run: run.json, status.json, and the checkpoint in a folder of its own.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Checkpoint">The checkpoint's folder.</param>
internal sealed record RunFolder(string Path, string Checkpoint)
{
    private const string CheckpointName = "checkpoint";

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

    /// <summary>The run folder that a checkpoint belongs to: its parent, or itself when the parent is no run folder.</summary>
    public static RunFolder OfCheckpoint(string checkpoint)
    {
        string? parent = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(checkpoint)));
        RunFolder around = new(parent ?? checkpoint, checkpoint);
        return File.Exists(around.RecordFile) ? around : new RunFolder(checkpoint, checkpoint);
    }

    /// <summary>Reads run.json; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunFile? ReadRunFile() => Read<RunFile>(RecordFile);

    /// <summary>Reads status.json; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunStatus? ReadStatus() => Read<RunStatus>(StatusFile);

    /// <summary>Writes run.json.</summary>
    public void Write(RunFile record) => Write(RecordFile, record);

    /// <summary>Writes status.json.</summary>
    public void Write(RunStatus status) => Write(StatusFile, status);

    private void Write<T>(string file, T content)
    {
        Directory.CreateDirectory(Path);
        AtomicFile.Write(file, JsonSerializer.Serialize(content, SnakeCase.Indented));
    }

    private static T? Read<T>(string file)
        where T : class
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return Parse<T>(RegularFile.ReadText(file));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Parses a file's text.</summary>
    /// <exception cref="JsonException">The text is no such object.</exception>
    internal static T Parse<T>(string text)
        where T : class => JsonSerializer.Deserialize<T>(text, SnakeCase.Indented) ?? throw new JsonException("It is empty.");
}
