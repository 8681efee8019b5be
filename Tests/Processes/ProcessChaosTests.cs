using System.Text.Json;
using System.Text.RegularExpressions;
using MoEActors.Cli.Supervision;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Packages;

namespace MoEActors.Tests.Processes;

/// <summary>`moe chaos --cluster`: processes of a cluster die, and the run is as if they had not.</summary>
public sealed class ProcessChaosTests
{
    /// <summary>Each takes as long as its processes need to die, to be missed, and to come back.</summary>
    [Theory]
    [InlineData("garnet", "kill", 3, 2, "during_recovery silo")]
    [InlineData("garnet", "freeze,silence", 3, 18, "short_freeze long_freeze silence")]
    [InlineData("garnet", "cut", 2, 3, "cut cut")]
    [InlineData("redis", "store,forget", 4, 198, "forgetful_store damaged_store store_and_silo")]
    public async Task A_run_of_processes_to_which_things_happen_is_the_run_to_which_nothing_does(string store, string disasters, int kills, int seed, string what)
    {
        Assert.SkipWhen(store == "redis" && RedisStore.Find() is null, "There is no redis-server on this machine.");
        using var folder = new TemporaryFolder();
        using ChildProcess chaos = Start(
            folder, "--store", store, "--disasters", disasters, "--kills", $"{kills}", "--snapshot-every", "5", "--seed", $"{seed}", "--json", "chaos.json");

        int exitCode = await chaos.EndAsync(Log);

        Assert.True(exitCode == 0, $"{chaos.Output}\n{Log()}");
        JsonElement report = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "chaos.json"))).RootElement;
        Assert.Equal((store, kills), (report.GetProperty("store").GetString(), report.GetProperty("kills").GetInt32()));
        Assert.Equal(0, report.GetProperty("lost_steps").GetInt32());
        Assert.True(report.GetProperty("bit_identical").GetBoolean());
        Assert.True(report.GetProperty("steps_repeated").GetProperty("worst").GetDouble() > 0, "No step was ever learnt again.");
        Assert.Equal(what.Split(' '), report.GetProperty("resumptions").EnumerateArray().Select(one => one.GetProperty("what").GetString()));
        string[] lines = [.. chaos.Output.Split('\n').Where(line => Regex.IsMatch(line, $"^[0-9]+/{kills}, step "))];
        Assert.Equal(report.GetProperty("resumptions").GetArrayLength(), lines.Length);
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "runs", ".chaos")), "Nothing went wrong, and something is left to look at.");

        string Log()
        {
            string log = Path.Combine(folder.Path, "runs", ".chaos", "cluster.log");
            return File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(200)) : "There is no log.";
        }
    }

    [Fact]
    public async Task Whoever_interrupts_it_finds_none_of_its_processes()
    {
        using var folder = new TemporaryFolder();
        int[] children;
        using (ChildProcess chaos = Start(folder, "--kills", "100"))
        {
            await chaos.SaysAsync("^3 silos and Garnet are up");
            children = [.. Processes.ChildrenOf(chaos.Id)];
            Assert.Equal(4, children.Length);
            chaos.Signal("INT");
            Assert.Equal(130, await chaos.EndAsync());
        }

        Assert.All(children, child => Assert.False(Processes.IsAlive(child), $"Process {child} lives on."));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "runs", ".chaos")), "It was cancelled, and something is left.");
    }

    private static ChildProcess Start(TemporaryFolder folder, params string[] arguments)
    {
        folder.Write("text/a.txt", string.Concat(Enumerable.Range(0, 3000).Select(i => $"{i} is a number. ")));
        folder.Write(
            "run.json",
            """{"text": ["text"], "microBatches": 4, "batch": 8, "model": {"dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16}}""");
        return MoeProcess.Start(folder.Path, new Dictionary<string, string>(), ["chaos", "--cluster", "--silos", "3", "--config", "run.json", .. arguments]);
    }
}
