using System.Text.Json;
using MoEActors.Cli.Supervision;
using MoEActors.Client;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Cli.Runs;
using MoEActors.Tests.Packages;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>Commands that work with a cluster of another process instead of silos in their own.</summary>
[Collection(ProcessClusterTests.Name)]
public sealed class CommandConnectionTests(ProcessCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_commands_do_over_a_connection_is_what_they_do_alone()
    {
        using var runs = new RunsFolder();

        // As `moe cluster` would.
        ClusterFolder folder = ClusterFolder.Beside(runs.Path);
        using FolderLock alone = folder.Take();
        runs.Write(".cluster/secret", MoeProcess.Secret);
        folder.Write(new LocalCluster(1, $"redis://{cluster.Redis.Address}", "moe", "moe", []));

        Assert.Equal(0, (await CommandLineRun.Of(runs.Train("here", $"--steps 6 --json {runs.Path}/here.json"))).ExitCode);
        CommandLineRun there = await CommandLineRun.Of(runs.Train("there", $"--steps 3 --json {runs.Path}/part.json --connect"));
        Assert.Equal((0, 2), (there.ExitCode, runs.Result("part.json").GetProperty("silos").GetInt32()));
        CommandLineRun resumed = await CommandLineRun.Of(runs.Resume("there", $"--steps 6 --json {runs.Path}/there.json --connect"));
        Assert.True(resumed.ExitCode == 0, resumed.Error);

        // Three steps of a schedule of three, and three more, are no six of six: numbers are compared with those of a run in one piece.
        CommandLineRun whole = await CommandLineRun.Of(runs.Train("whole", $"--steps 6 --json {runs.Path}/whole.json --connect"));
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.Equal(runs.Result("here.json").GetProperty("fingerprint").GetString(), runs.Result("whole.json").GetProperty("fingerprint").GetString());

        string[] evaluate = ["evaluate", "--runs", runs.Path, "whole", "--json"];
        Assert.Equal(await LossAsync(evaluate), await LossAsync([.. evaluate, "--connect"]));
        string[] generate = ["generate", "--runs", runs.Path, "whole", "--tokens", "8", "--temperature", "0"];
        Assert.Equal((await CommandLineRun.Of(generate)).Output, (await CommandLineRun.Of([.. generate, "--connect"])).Output);

        // What commands needed they have deleted; what is there can be listed and deleted.
        Assert.Equal("[]", (await CommandLineRun.Of("status", "--runs", runs.Path, "--json", "--connect")).Output.Trim());
        CommandLineRun missing = await CommandLineRun.Of("runs", "delete", "--runs", runs.Path, "nothing", "--connect");
        Assert.Equal((1, "There is no run nothing."), (missing.ExitCode, missing.Output.Trim()));
    }

    [Fact]
    public async Task A_run_that_is_stopped_in_its_cluster_ends_there_and_resume_goes_on_from_there()
    {
        using var runs = new RunsFolder();
        ClusterFolder folder = ClusterFolder.Beside(runs.Path);
        using FolderLock alone = folder.Take();
        runs.Write(".cluster/secret", MoeProcess.Secret);
        folder.Write(new LocalCluster(1, $"redis://{cluster.Redis.Address}", "moe", "moe", []));
        string[] stop = ["stop", "--runs", runs.Path, "left", "--connect"];

        Assert.Equal(1, (await CommandLineRun.Of(stop)).ExitCode);
        Task<CommandLineRun> training = CommandLineRun.Of(runs.Train("left", "--steps 400 --connect"));
        await using MoECluster client = await cluster.ConnectAsync();
        await Deadline.UntilAsync(
            async () =>
            {
                await Task.Delay(20, Cancellation);
                return (await client.ListModelsAsync(Cancellation)).Any(model => model is { Name: "left", Step: > 2 });
            },
            "the run has begun");
        CommandLineRun stopped = await CommandLineRun.Of(stop);
        Assert.True(stopped.ExitCode == 0, stopped.Error);
        CommandLineRun trained = await training;
        Assert.Equal(130, trained.ExitCode);
        long step = (await client.GetStatusAsync("left", Cancellation)).Step;
        Assert.Contains($"stopped by somebody else after step {step} of 400", trained.Error, StringComparison.Ordinal);
        Assert.Equal($"left: step {step}, stopped", (await CommandLineRun.Of("runs", "list", "--runs", runs.Path, "--connect")).Output.Trim());

        // There is no checkpoint of it; the cluster has it. Where it ends is where it would have ended in one piece.
        Assert.False(Directory.Exists(runs.Folder("left").Checkpoint));
        CommandLineRun resumed = await CommandLineRun.Of(runs.Resume("left", $"--steps {step + 3} --json {runs.Path}/left.json --connect"));
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains($"Going on with left after step {step}.", resumed.Output, StringComparison.Ordinal);
        Assert.Equal(step + 3, runs.Result("left.json").GetProperty("steps").GetInt64());
        Assert.Equal(step + 3, CheckpointFolder.Open(runs.Folder("left").Checkpoint).Step);
        Assert.Equal("[]", (await CommandLineRun.Of("status", "--runs", runs.Path, "--json", "--connect")).Output.Trim());
    }

    [Fact]
    public async Task A_run_of_this_machine_is_stopped_with_a_checkpoint()
    {
        using var runs = new RunsFolder();
        using ChildProcess training = MoeProcess.Start(runs.Path, new Dictionary<string, string>(), runs.Train("mine", "--steps 100000"));
        await training.SaysAsync("step [0-9]+/");
        CommandLineRun stopped = await CommandLineRun.Of("stop", "mine", "--runs", runs.Path);
        Assert.True(stopped.ExitCode == 0, stopped.Output + stopped.Error);
        Assert.Equal(130, await training.EndAsync());
        Assert.Contains($"Stopped mine after step {CheckpointFolder.Open(runs.Folder("mine").Checkpoint).Step:N0}.", stopped.Output, StringComparison.Ordinal);
        CommandLineRun again = await CommandLineRun.Of("stop", "mine", "--runs", runs.Path);
        Assert.Equal((1, "mine is not running."), (again.ExitCode, again.Output.Trim()));
    }

    [Fact]
    public async Task Runs_of_a_folder_are_listed_and_deleted()
    {
        using var runs = new RunsFolder();
        Assert.Equal(0, (await CommandLineRun.Of(runs.Train("mine", "--steps 2"))).ExitCode);
        Assert.Equal("mine: step 2", (await CommandLineRun.Of("runs", "list", "--runs", runs.Path)).Output.Trim());
        using (runs.Folder("mine").Take())
        {
            Assert.Equal(2, (await CommandLineRun.Of("runs", "delete", "--runs", runs.Path, "mine")).ExitCode);
        }

        Assert.Equal(0, (await CommandLineRun.Of("runs", "delete", "--runs", runs.Path, "mine")).ExitCode);
        Assert.False(Directory.Exists(runs.Folder("mine").Path));
        Assert.Equal(1, (await CommandLineRun.Of("runs", "delete", "--runs", runs.Path, "mine")).ExitCode);
        Assert.Equal("", (await CommandLineRun.Of("runs", "list", "--runs", runs.Path)).Output);
    }

    private static async Task<(double Loss, long Bytes)> LossAsync(string[] arguments)
    {
        CommandLineRun run = await CommandLineRun.Of(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument report = JsonDocument.Parse(run.Output);
        return (report.RootElement.GetProperty("loss").GetDouble(), report.RootElement.GetProperty("bytes").GetInt64());
    }
}
