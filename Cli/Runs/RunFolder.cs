using System.Globalization;
using System.Text.Json;
using MoEActors.Client.Configuration;
using MoEActors.Client.History;
using MoEActors.Client.History.TensorBoard;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Runs;

/// <summary>
/// The folder of a run: run.json, status.json, metrics.jsonl, event files and its checkpoints. The newest checkpoint is in <c>checkpoint</c>; a run that keeps
/// several has each in a folder of its own, <c>checkpoints/step-N</c>. The folder's name is the run's.
/// </summary>
internal sealed record RunFolder
{
    private const string RecordName = "run.json";
    private const string OnlyCheckpoint = "checkpoint";
    private const string KeptCheckpoints = "checkpoints";
    private const string KeptPrefix = "step-";
    private const string LockName = ".running";

    private readonly string _path;
    private readonly bool _isCheckpoint;
    private readonly FolderLock? _kept;
    private readonly string? _keptAt;

    private RunFolder(string path, bool isCheckpoint, FolderLock? kept = null) =>
        (_path, _isCheckpoint, _kept, _keptAt) = (path, isCheckpoint, kept, kept?.Folder);

    /// <summary>The folder: while a run keeps it, where it is now.</summary>
    public string Path => _kept?.Folder is { } now && now != _keptAt ? now : _path;

    /// <summary>What has happened to a folder that a run keeps and that is no more; null while it is there.</summary>
    public string? Loss => _kept is { Folder: null } && !Directory.Exists(_path)
        ? $"The run's folder {_path} is gone: it was deleted, or moved where it cannot be followed, and its history with it."
        : null;

    /// <summary>The same folder, as long as it is kept: wherever it is moved or however it is renamed meanwhile.</summary>
    public RunFolder Following(FolderLock kept) => new(_path, _isCheckpoint, kept);

    /// <summary>The name of the folder, and so of the run.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>Folder of the newest checkpoint; where one would be, when there is none.</summary>
    public string Checkpoint => Kept() is [.., { Folder: var newest }] ? newest : CheckpointOf(step: 0, keep: 1);

    /// <summary>The file that says how the run stands.</summary>
    public string StatusFile => System.IO.Path.Combine(Path, "status.json");

    /// <summary>The file with the run's history.</summary>
    public string HistoryFile => System.IO.Path.Combine(Path, "metrics.jsonl");

    /// <summary>What to type to go on with this run.</summary>
    public string ResumeCommand =>
        _isCheckpoint ? $"moe resume --checkpoint {Path}"
        : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) == System.IO.Path.GetFullPath(OutputPath.Runs) ? $"moe resume {Name}"
        : $"moe resume --checkpoint {Checkpoint}";

    /// <summary>Whether there is a run.json.</summary>
    public bool HoldsRecord => File.Exists(RecordFile);

    private string RecordFile => System.IO.Path.Combine(Path, RecordName);

    /// <summary>The run folder at a path.</summary>
    public static RunFolder At(string path) => new(path, isCheckpoint: false);

    /// <summary>
    /// The run folder that a checkpoint belongs to, which is around it; where there is none, the checkpoint's folder becomes one.
    /// </summary>
    public static RunFolder OfCheckpoint(string checkpoint)
    {
        string? around = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(checkpoint)));
        around = System.IO.Path.GetFileName(around) == KeptCheckpoints ? System.IO.Path.GetDirectoryName(around) : around;
        return around is not null && File.Exists(System.IO.Path.Combine(around, RecordName)) ? At(around) : new RunFolder(checkpoint, isCheckpoint: true);
    }

    /// <summary>The run of a name that somebody gives, whether it is there or not.</summary>
    /// <param name="runs">The folder of runs.</param>
    /// <param name="name">The name.</param>
    /// <param name="argument">What was to be a name.</param>
    /// <exception cref="UsageException">It is no name.</exception>
    public static RunFolder Named(string runs, string name, string argument = "NAME")
    {
        OutputPath.RequireFolderName(argument, name);
        return At(System.IO.Path.Combine(runs, name));
    }

    /// <summary>The run of a name that somebody gives.</summary>
    /// <inheritdoc cref="Named" />
    /// <exception cref="FileNotFoundException">There is no run of that name; perhaps another was meant.</exception>
    public static RunFolder Existing(string runs, string name, string argument = "NAME") =>
        Named(runs, name, argument) is var folder && Directory.Exists(folder.Path) ? folder : throw Missing(runs, name);

    /// <summary>What a run ought to have, and has not.</summary>
    public FileNotFoundException Lacks(string what, string file) => new($"The run '{Name}' has no {what}: {file} does not exist.");

    private static FileNotFoundException Missing(string runs, string name)
    {
        string? meant = Directory.Exists(runs) ? Suggestion.For(name, Directory.GetDirectories(runs).Select(folder => System.IO.Path.GetFileName(folder)).Where(folder => folder != name)) : null;
        return new FileNotFoundException($"There is no run '{name}' in {runs}.{(meant is null ? "" : $" Did you mean {VisibleText.OfName(meant)}?")}");
    }

    /// <summary>Reads the run's history.</summary>
    /// <exception cref="FileNotFoundException">It has none.</exception>
    public IEnumerable<RunEvent> ReadHistory() => File.Exists(HistoryFile) ? RunHistory.Read(HistoryFile) : throw Lacks("history", HistoryFile);

    /// <summary>Where the checkpoint of a step goes, in a run that keeps so many.</summary>
    public string CheckpointOf(long step, int keep) =>
        keep > 1 ? System.IO.Path.Combine(Path, KeptCheckpoints, string.Create(CultureInfo.InvariantCulture, $"{KeptPrefix}{step}"))
        : _isCheckpoint ? Path : System.IO.Path.Combine(Path, OnlyCheckpoint);

    /// <summary>The complete checkpoints of a run that keeps several, the newest last.</summary>
    public IReadOnlyList<(long Step, string Folder)> Kept() =>
        [.. StepFolders().Where(one => File.Exists(System.IO.Path.Combine(one.Folder, CheckpointFolder.IndexFile))).OrderBy(one => one.Step)];

    /// <summary>Folders that checkpoints of this run are in, or were to be in.</summary>
    public IEnumerable<string> CheckpointFolders() => [CheckpointOf(step: 0, keep: 1), .. StepFolders().Select(one => one.Folder)];

    /// <summary>The highest step of the checkpoints that are there; null when there is none.</summary>
    /// <exception cref="CheckpointException">There is an index, and it is none of ours.</exception>
    public long? CheckpointStep() => CheckpointFolders()
        .Where(folder => File.Exists(System.IO.Path.Combine(folder, CheckpointFolder.IndexFile)))
        .Max(folder => (long?)CheckpointFolder.Open(folder).Step);

    /// <summary>Whether the run is a demo's: no other changes its subject.</summary>
    public bool HoldsDemo()
    {
        try
        {
            return ReadRunFile() is { TurnsAfter: not null };
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Keeps the folder for one run at a time.</summary>
    /// <param name="otherwise">What can be done besides waiting for another run, as the end of a sentence; null for nothing.</param>
    /// <exception cref="UsageException">There is another run at work, or the folder cannot be written to.</exception>
    public FolderLock Take(string? otherwise = null)
    {
        try
        {
            Directory.CreateDirectory(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The run's folder {Path} cannot be made: {e.Message}");
        }

        try
        {
            return FolderLock.Take(Path, LockName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A lock that is taken is an empty file.
            UsageException.ThrowUnless(
                e is not IOException || new FileInfo(System.IO.Path.Combine(Path, LockName)) is not { Exists: true, Length: 0 },
                $"Another run is at work in {Path}. Wait for its end, or stop it by Ctrl-C where it was started{(otherwise is null ? "" : $", or {otherwise}")}.");
            throw new UsageException($"The run's folder {Path} cannot be written to: {e.Message}");
        }
    }

    /// <summary>Whether no run is at work.</summary>
    public bool IsIdle()
    {
        try
        {
            RequireIdle();
            return true;
        }
        catch (UsageException)
        {
            return false;
        }
    }

    /// <summary>Throws where a run is at work.</summary>
    /// <inheritdoc cref="Take" />
    public void RequireIdle(string? otherwise = null)
    {
        if (Directory.Exists(Path))
        {
            Take(otherwise).Dispose();
        }
    }

    /// <summary>Deletes run.json, the history, event files, and the folder of kept checkpoints when it is empty.</summary>
    public void RemoveRecord(IFileStore disk)
    {
        string kept = System.IO.Path.Combine(Path, KeptCheckpoints);
        if (Directory.Exists(kept) && !Directory.EnumerateFileSystemEntries(kept).Any())
        {
            Directory.Delete(kept);
        }

        foreach (string figures in EventFileWriter.Find(Path).ToArray())
        {
            disk.Delete(figures);
        }

        disk.Delete(HistoryFile);
        disk.Delete(RecordFile);
    }

    /// <summary>Reads run.json, with full paths and the name that the folder has now; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunFile? ReadRunFile() =>
        Read<RunFile>(RecordFile, record => record with { Name = Name, Text = [.. record.Text.Select(text => System.IO.Path.GetFullPath(text, Full))] });

    /// <summary>Reads status.json, with full paths and the name that the folder has now; null when there is none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public RunStatus? ReadStatus() =>
        Read<RunStatus>(StatusFile, status => status with { Name = Name, Checkpoint = status.Checkpoint is { } place ? Placed(place) : null });

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
        : System.IO.Path.GetFileName(place) == OnlyCheckpoint ? System.IO.Path.Combine(Full, OnlyCheckpoint)
        : Full;

    private string Seen(string text)
    {
        string fromHere = System.IO.Path.GetRelativePath(Environment.CurrentDirectory, text);
        return System.IO.Path.IsPathRooted(fromHere) || fromHere.Split(System.IO.Path.DirectorySeparatorChar)[0] == ".." ? text
            : System.IO.Path.GetRelativePath(Full, text);
    }

    /// <summary>Folders of single steps, those without a complete checkpoint too.</summary>
    public IEnumerable<(long Step, string Folder)> StepFolders()
    {
        string kept = System.IO.Path.Combine(Path, KeptCheckpoints);
        foreach (string folder in Directory.Exists(kept) ? Directory.GetDirectories(kept, $"{KeptPrefix}*") : [])
        {
            if (long.TryParse(System.IO.Path.GetFileName(folder).AsSpan(KeptPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step))
            {
                yield return (step, folder);
            }
        }
    }

    private void Write<T>(string file, T content)
    {
        // A part of a run that somebody has deleted is no use to anybody.
        if (Loss is { } loss)
        {
            throw new IOException(loss);
        }

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
            // What .NET says of a type is for whoever wrote it.
            throw new InvalidDataException(
                $"{file} cannot be read: {(e is JsonException damaged ? $"it is damaged{(damaged.LineNumber is { } line ? $" at line {line + 1}" : "")}, and not what a run writes." : e.Message)}", e);
        }
    }

    /// <summary>Parses a file's text.</summary>
    /// <exception cref="JsonException">The text is no such object.</exception>
    internal static T Parse<T>(string text)
        where T : class => JsonSerializer.Deserialize<T>(text, SnakeCase.Indented) ?? throw new JsonException("It is empty.");
}
