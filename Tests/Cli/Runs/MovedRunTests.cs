using MoEActors.Cli.Runs;

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

    private static void Copy(string folder, string copy)
    {
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
