using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>Runs that keep several checkpoints, and folders that get another name.</summary>
public sealed class KeptCheckpointsTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task The_last_ones_are_kept_and_the_newest_is_gone_on_with()
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("kept", "--steps 9 --save-every 2 --keep 3"));
        Assert.True(run.ExitCode == ExitCode.Done, run.Error);
        RunFolder folder = _runs.Folder("kept");
        Assert.Equal([6L, 8, 9], folder.Kept().Select(one => one.Step));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "checkpoint")));
        Assert.Equal((Path.Combine(folder.Path, "checkpoints/step-9"), 9L), (folder.ReadStatus()!.Checkpoint, folder.ReadStatus()!.CheckpointStep));
        Assert.All(folder.Kept(), one => Assert.Equal(one.Step, CheckpointFolder.Open(one.Folder).Step));

        string older = folder.Kept()[0].Folder;
        foreach (string[] command in new string[][] { ["generate", "--tokens", "3"], ["evaluate"] })
        {
            CommandLineRun named = await CommandLineRun.Of([.. command, "--checkpoint", older, "--json"]);
            Assert.True(named.ExitCode == ExitCode.Done, named.Error);
            Assert.Contains("\"step\":6", named.Output, StringComparison.Ordinal);
            CommandLineRun newest = await CommandLineRun.Of([.. command, "kept", "--runs", _runs.Path, "--json"]);
            Assert.Contains("\"step\":9", newest.Output, StringComparison.Ordinal);
        }

        CommandLineRun back = await CommandLineRun.Of("resume", "--checkpoint", older);
        Assert.Equal(ExitCode.WrongUsage, back.ExitCode);
        Assert.Contains("is not the newest checkpoint of its run", back.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("kept", "--steps 11"))).ExitCode);
        Assert.Equal([9L, 10, 11], folder.Kept().Select(one => one.Step));
    }

    [Fact]
    public async Task The_best_one_is_kept_beside_the_last_ones()
    {
        // Nothing is learnt, so that the first is the best.
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("best", "--steps 9 --save-every 3 --eval-every 2 --keep 2 --learning-rate 1e-30"));
        Assert.True(run.ExitCode == ExitCode.Done, run.Error);
        Assert.Equal([2L, 6, 9], _runs.Folder("best").Kept().Select(one => one.Step));
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("best", "--steps 15"))).ExitCode);
        Assert.Equal([2L, 12, 15], _runs.Folder("best").Kept().Select(one => one.Step));
    }

    [Fact]
    public async Task What_a_killed_save_left_is_no_checkpoint()
    {
        await CommandLineRun.Of(_runs.Train("kept", "--steps 4 --save-every 2 --keep 2"));
        RunFolder folder = _runs.Folder("kept");
        string shard = Directory.GetFiles(folder.Checkpoint, "*.safetensors")[0];
        Directory.CreateDirectory(Path.Combine(folder.Path, "checkpoints", "step-6"));
        File.Copy(shard, Path.Combine(folder.Path, "checkpoints", "step-6", Path.GetFileName(shard)));
        _runs.Write("kept/checkpoints/step-x/model.safetensors.index.json", "{}");
        Assert.Equal(4, CheckpointFolder.Open(folder.Checkpoint).Step);
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("kept", "--steps 5"));
        Assert.True(resumed.ExitCode == ExitCode.Done, resumed.Error);
        Assert.Equal([4L, 5], folder.Kept().Select(one => one.Step));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "checkpoints", "step-6")));
    }

    [Theory]
    [InlineData("--keep 1")]
    [InlineData("--keep 2 --save-every 1")]
    public async Task A_run_whose_folder_is_moved_goes_on_under_the_name_of_the_folder(string keep)
    {
        await CommandLineRun.Of(_runs.Train("old", $"--steps 2 {keep}"));
        Directory.Move(_runs.Folder("old").Path, _runs.Folder("new").Path);
        CommandLineRun status = await CommandLineRun.Of("status", "new", "--runs", _runs.Path, "--json");
        Assert.Contains("\"name\":\"new\"", status.Output, StringComparison.Ordinal);
        Assert.Contains($"\"checkpoint\":\"{_runs.Folder("new").Checkpoint}\"", status.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_runs.Path, await File.ReadAllTextAsync(_runs.Folder("new").StatusFile, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("new", "--steps 3"));
        Assert.Contains("Going on with new after step 2.", resumed.Output, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Done, 3L), (resumed.ExitCode, CheckpointFolder.Open(_runs.Folder("new").Checkpoint).Step));
    }
}
