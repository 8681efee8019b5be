using System.Text.Json;
using MoEActors.Cli.Supervision;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Cli.Runs;

namespace MoEActors.Tests.Processes;

/// <summary>Commands that work with a cluster of another process instead of silos in their own.</summary>
[Collection(ProcessClusterTests.Name)]
public sealed class CommandConnectionTests(ProcessCluster cluster)
{
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
