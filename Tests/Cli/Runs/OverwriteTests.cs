using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>A run is not replaced by another one of its name unless somebody says so.</summary>
public sealed class OverwriteTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("--name one")]
    [InlineData("")]
    public async Task A_second_run_of_a_name_is_refused_and_the_first_is_as_it_was(string name)
    {
        string[] train = [.. _runs.Train("one", "--steps 2").Where(word => name.Length > 0 || word is not ("--name" or "one"))];
        RunFolder folder = _runs.Folder(name.Length > 0 ? "one" : "train");
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(train)).ExitCode);
        string before = Contents(folder.Path);
        CommandLineRun second = await CommandLineRun.Of(train);
        Assert.Equal((ExitCode.WrongUsage, ""), (second.ExitCode, second.Output));
        string goOn = $"{folder.ResumeCommand} --steps 4";
        Assert.StartsWith(
            $"moe train: {folder.Path} holds a run already, which has done 2 steps. Go on with it by {goOn}, choose another name with --name, or give it up with --overwrite.", second.Error, StringComparison.Ordinal);
        Assert.Equal(before, Contents(folder.Path));

        // What is advised works.
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(goOn.Split(' ')[1..])).ExitCode);
    }

    [Fact]
    public async Task A_demo_gives_up_an_earlier_demo_and_nothing_else()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2"));
        RunFolder folder = _runs.Folder("one");
        string before = Contents(folder.Path);
        CommandLineRun demo = await CommandLineRun.Of("demo", "--output", folder.Path, "--steps", "1");
        Assert.Equal((ExitCode.WrongUsage, ""), (demo.ExitCode, demo.Output));
        Assert.Contains("name another folder with --output", demo.Error, StringComparison.Ordinal);
        Assert.Equal((before, false), (Contents(folder.Path), folder.HoldsDemo()));

        folder.Write(folder.ReadRunFile()! with { TurnsAfter = 1 });
        Assert.True(folder.HoldsDemo());
        EarlierRun.RequireNone(folder, overwrite: folder.HoldsDemo(), elsewhere: "");
    }

    [Theory]
    [InlineData("--keep 1", "checkpoint")]
    [InlineData("--keep 3 --save-every 1", "checkpoints/step-2")]
    public async Task Overwriting_removes_the_run_and_nothing_foreign(string keep, string checkpoint)
    {
        await CommandLineRun.Of(_runs.Train("one", $"--steps 3 {keep}"));
        RunFolder folder = _runs.Folder("one");
        string first = folder.ReadRunFile()!.Id;
        string[] foreign = [_runs.Write("one/notes.txt", "mine"), _runs.Write($"one/{checkpoint}/notes.txt", "mine too"), _runs.Write("one/checkpoints/other/a.txt", "too")];
        CommandLineRun second = await CommandLineRun.Of(_runs.Train("one", "--steps 2 --overwrite"));
        Assert.True(second.ExitCode == ExitCode.Done, second.Error);
        Assert.NotEqual(first, folder.ReadRunFile()!.Id);
        Assert.Equal((2L, 2L), (CheckpointFolder.Open(folder.Checkpoint).Step, folder.ReadStatus()!.Step));
        Assert.Equal([1L, 2], RunHistory.Read(folder.HistoryFile).OfType<StepEvent>().Select(step => step.Step));
        Assert.All(foreign, file => Assert.True(File.Exists(file), file));
        Assert.Empty(folder.Kept());
        Assert.Equal(CheckpointFolder.Open(folder.Checkpoint).Files.Count, Directory.GetFiles(folder.Path, "*.safetensors", SearchOption.AllDirectories).Length);
    }

    [Theory]
    [InlineData("run.json", "{}")]
    [InlineData("status.json", "[1, 2]")]
    [InlineData("checkpoint/model.safetensors.index.json", """{ "metadata": { "total_size": 1 }, "weight_map": {} }""")]
    [InlineData("checkpoints/step-7/model.safetensors.index.json", "")]
    [InlineData("checkpoint/config.json", """{ "architectures": ["GPT2LMHeadModel"] }""")]
    [InlineData("checkpoints/step-7/config.json", "not even JSON")]
    [InlineData("metrics.jsonl", """{ "loss": 1 }""")]
    public async Task Files_that_are_no_runs_are_not_replaced_even_when_overwriting(string file, string content)
    {
        string path = _runs.Write($"one/{file}", content);
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("one", "--steps 2 --overwrite"));
        Assert.Equal((ExitCode.WrongUsage, ""), (run.ExitCode, run.Output));
        Assert.Contains("holds files that are no run's", run.Error, StringComparison.Ordinal);
        CommandLineRun deleted = await CommandLineRun.Of("runs", "delete", "one", "--runs", _runs.Path);
        Assert.Equal((ExitCode.WrongUsage, ""), (deleted.ExitCode, deleted.Output));
        Assert.Equal(content, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_run_at_work_is_not_overwritten_and_one_that_cannot_begin_overwrites_nothing()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2"));
        RunFolder folder = _runs.Folder("one");
        string before = Contents(folder.Path);
        using (folder.Take())
        {
            CommandLineRun second = await CommandLineRun.Of(_runs.Train("one", "--steps 2 --overwrite"));
            Assert.Equal((ExitCode.WrongUsage, ""), (second.ExitCode, second.Output));
            CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("one"));
            Assert.StartsWith($"moe resume: Another run is at work in {folder.Path}. Wait for its end, or stop it by Ctrl-C where it was started.", resumed.Error, StringComparison.Ordinal);
            Assert.StartsWith(
                $"moe train: Another run is at work in {folder.Path}. Wait for its end, or stop it by Ctrl-C where it was started, or choose another name with --name.", second.Error, StringComparison.Ordinal);
        }

        Assert.Equal(ExitCode.Failed, (await CommandLineRun.Of(
            [.. _runs.Train("one", "--steps 2 --overwrite").Select(word => word == _runs.Text ? _runs.Write("short.txt", "short") : word)])).ExitCode);
        Assert.Equal(before, Contents(folder.Path));
    }

    [Fact]
    public async Task A_run_that_the_cluster_refuses_leaves_the_earlier_one_to_be_resumed()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2"));
        string[] huge = _runs.Train("one", "--steps 2 --overwrite");
        huge[Array.IndexOf(huge, "--hidden") + 1] = "10000000";
        Assert.Equal(ExitCode.Failed, (await CommandLineRun.Of(huge)).ExitCode);
        RunStatus status = _runs.Folder("one").ReadStatus()!;
        Assert.Equal((RunState.Failed, Path.GetFullPath(_runs.Folder("one").Checkpoint), 2L), (status.State, status.Checkpoint, status.CheckpointStep));
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("one", "--steps 3"))).ExitCode);
        Assert.Equal([1L, 2, 3], RunHistory.Read(_runs.Folder("one").HistoryFile).OfType<StepEvent>().Select(step => step.Step));
    }

    [Fact]
    public async Task A_run_that_saved_nothing_is_no_run_to_keep()
    {
        _runs.Write("one/checkpoint", "in the way");
        Assert.Equal(ExitCode.Failed, (await CommandLineRun.Of(_runs.Train("one", "--steps 2"))).ExitCode);
        File.Delete(Path.Combine(_runs.Path, "one", "checkpoint"));
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("one", "--steps 1"))).ExitCode);
        Assert.Equal([1L], RunHistory.Read(_runs.Folder("one").HistoryFile).OfType<StepEvent>().Select(step => step.Step));
    }

    /// <summary>Names, times and sizes of all files.</summary>
    private static string Contents(string folder) => string.Join('\n', Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal).Select(file => $"{file} {File.GetLastWriteTimeUtc(file):O} {new FileInfo(file).Length}"));
}
