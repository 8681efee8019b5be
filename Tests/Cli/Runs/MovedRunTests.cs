using MoEActors.Cli;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>A run's folder that was renamed, copied or moved is a run like any other: its name is the folder's, and its paths are where it is.</summary>
public sealed class MovedRunTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task A_renamed_and_a_copied_run_have_their_folders_names_and_go_on()
    {
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Train("old", "--steps 2"))).ExitCode);
        Copy(_runs.Folder("old").Path, _runs.Folder("a copy of it").Path);
        Directory.Move(_runs.Folder("old").Path, _runs.Folder("new").Path);
        foreach (string name in new[] { "new", "a copy of it" })
        {
            RunFolder folder = _runs.Folder(name);
            Assert.Equal((name, Path.GetFullPath(folder.Checkpoint)), (folder.ReadStatus()!.Name, folder.ReadStatus()!.Checkpoint));
            Assert.Equal((name, _runs.Text), (folder.ReadRunFile()!.Name, Assert.Single(folder.ReadRunFile()!.Text)));
            Assert.DoesNotContain(_runs.Path, await File.ReadAllTextAsync(folder.StatusFile, Cancellation), StringComparison.Ordinal);
            CommandLineRun status = await CommandLineRun.Of("status", name, "--runs", _runs.Path);
            Assert.StartsWith($"{name}: done, step 2/2", status.Output, StringComparison.Ordinal);
            CommandLineRun resumed = await CommandLineRun.Of("resume", name, "--runs", _runs.Path, "--steps", "3");
            Assert.Equal((0, name), (resumed.ExitCode, folder.ReadStatus()!.Name));
            Assert.Contains($"Going on with {name} after step 2.", resumed.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Files_of_earlier_versions_are_read_with_full_paths_and_another_name()
    {
        string folder = _runs.Folder("moved").Path;
        _runs.Write("moved/status.json", """
            { "name": "begun", "state": "done", "step": 3, "steps": 9, "silos": 2, "process": 1, "machine": "m", "checkpoint": "/before/runs/begun/checkpoint",
              "updated_at": "2026-01-02T03:04:05+00:00" }
            """);
        _runs.Write("moved/run.json", """
            { "id": "i", "name": "begun", "text": ["/texts/a"], "text_sha256": "00", "seed": 1, "batch": 2, "silos": 1, "steps": 5, "save_every": 0, "prompt": "The " }
            """);
        RunFolder read = _runs.Folder("moved");
        Assert.Equal(("moved", Path.Combine(folder, "checkpoint")), (read.ReadStatus()!.Name, read.ReadStatus()!.Checkpoint));
        Assert.Equal(("moved", Path.GetFullPath("/texts/a")), (read.ReadRunFile()!.Name, Assert.Single(read.ReadRunFile()!.Text)));

        // A checkpoint that is a run's folder itself.
        string text = await File.ReadAllTextAsync(read.StatusFile, Cancellation);
        await File.WriteAllTextAsync(read.StatusFile, text.Replace("/begun/checkpoint", "/begun", StringComparison.Ordinal), Cancellation);
        Assert.Equal(folder, read.ReadStatus()!.Checkpoint);
    }

    [Fact]
    public void Text_below_the_current_folder_is_seen_from_the_runs()
    {
        string here = Path.GetFullPath("corpus.txt"), elsewhere = _runs.Text;
        var record = new RunFile("i", "n", [here, elsewhere], "00", 1, 2, 1, 5, 0, "The ");
        _runs.Folder("n").Write(record);
        string written = File.ReadAllText(Path.Combine(_runs.Folder("n").Path, "run.json"));
        Assert.DoesNotContain($"\"{here}\"", written, StringComparison.Ordinal);
        Assert.Contains(elsewhere, written, StringComparison.Ordinal);
        Assert.Equal([here, elsewhere], _runs.Folder("n").ReadRunFile()!.Text);
    }

    [Fact]
    public void Paths_that_are_none_are_an_error_of_the_file()
    {
        _runs.Write("n/run.json", """
            { "id": "i", "name": "n", "text": [null], "text_sha256": "00", "seed": 1, "batch": 2, "silos": 1, "steps": 5, "save_every": 0, "prompt": "The " }
            """);
        Assert.Contains("run.json cannot be read", Assert.Throws<InvalidDataException>(() => _runs.Folder("n").ReadRunFile()).Message, StringComparison.Ordinal);
    }

    /// <summary>A path is what .NET takes it for, in every place: the system would look for the folder that is gone again at once.</summary>
    [Fact]
    public async Task The_folder_of_runs_may_be_named_in_a_roundabout_way()
    {
        string around = Path.Combine(_runs.Path, "not-there", "..");
        string[] train = [.. _runs.Train("one", "--steps 2").Select(word => word == _runs.Path ? around : word)];
        CommandLineRun trained = await CommandLineRun.Of(train);
        Assert.True(trained.ExitCode == 0, trained.Error);
        foreach (string command in new[] { "status one", "history one", "evaluate one", "generate one --tokens 2", "resume one --steps 3", "status", "runs list" })
        {
            CommandLineRun run = await CommandLineRun.Of([.. command.Split(' '), "--runs", around]);
            Assert.True(run.ExitCode == 0, $"{command}: {run.Error}");
        }

        Assert.False(Directory.Exists(Path.Combine(_runs.Path, "not-there")));
        Assert.Equal(3, CheckpointFolder.Open(_runs.Folder("one").Checkpoint).Step);
    }

    /// <summary>Whoever renames the folder of a run at work finds all of it under the new name, and nothing under the old one.</summary>
    [Fact]
    public async Task A_folder_that_is_renamed_while_its_run_is_at_work_is_followed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells where an open file is now.");
        using var output = new ActingWriter("step 1/", () => Directory.Move(_runs.Folder("old").Path, _runs.Folder("new").Path));
        using var error = new StringWriter();
        int code = await CommandLine.RunAsync(_runs.Train("old", "--steps 6 --save-every 3 --keep 2"), output, error, Cancellation);
        Assert.Equal((0, ""), (code, error.ToString()));
        RunFolder folder = _runs.Folder("new");
        Assert.False(Directory.Exists(_runs.Folder("old").Path));
        Assert.Equal((6L, RunState.Done), (CheckpointFolder.Open(folder.Checkpoint).Step, folder.ReadStatus()!.State));
        Assert.Equal([1L, 2, 3, 4, 5, 6], RunHistory.Read(folder.HistoryFile).OfType<StepEvent>().Select(step => step.Step));
        string[] entries = [.. Directory.GetFileSystemEntries(folder.Path).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
        Assert.Equal(["checkpoints", "metrics.jsonl", "run.json", "status.json"], entries.Where(entry => !entry.StartsWith("events.", StringComparison.Ordinal)));
        Assert.Equal(5, entries.Length);
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Resume("new", "--steps 7"))).ExitCode);
    }

    [Fact]
    public async Task A_folder_that_is_deleted_while_its_run_is_at_work_is_made_anew_for_the_checkpoint_and_not_in_silence()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A folder with open files cannot be deleted here.");
        using var output = new ActingWriter("step 1/", () => Directory.Delete(_runs.Folder("old").Path, recursive: true));
        using var error = new StringWriter();
        int code = await CommandLine.RunAsync(_runs.Train("old", "--steps 6"), output, error, Cancellation);
        Assert.Equal(0, code);
        Assert.Contains("is gone: it was deleted, or moved where it cannot be followed, and its history with it. It is made anew for the checkpoint.", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(6, CheckpointFolder.Open(_runs.Folder("old").Checkpoint).Step);
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Resume("old", "--steps 7"))).ExitCode);
    }

    private static void Copy(string folder, string copy)
    {
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>A user who does something on reading a certain word, once.</summary>
    private sealed class ActingWriter(string word, Action act) : StringWriter
    {
        private bool _done;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (!_done && value?.StartsWith(word, StringComparison.Ordinal) == true)
            {
                _done = true;
                act();
            }
        }
    }
}
