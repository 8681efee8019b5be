using System.Text.Json;
using MoEActors.Cli.Chaos;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Chaos;

/// <summary>Silos die in every way, and the report says what came of it.</summary>
public sealed class ChaosTests
{
    [Fact]
    public void A_plan_kills_as_many_as_it_is_told_and_follows_from_its_seed()
    {
        IReadOnlyList<ChaosEvent> plan = ChaosPlan.Draw(kills: 1000, silos: 4, interval: 20, seed: 3);

        Assert.Equal(1000, plan.Sum(one => one.Hits));
        Assert.Equal(plan, ChaosPlan.Draw(1000, 4, 20, 3));
        Assert.NotEqual(plan, ChaosPlan.Draw(1000, 4, 20, 4));
        Assert.Equal(
            [Disaster.Silo, Disaster.DuringRecovery, Disaster.Neighbours, Disaster.CoordinatorAndNeighbour], plan.Select(one => one.What).Distinct().Order());
        Assert.Equal(
            Enum.GetValues<Disaster>(), ChaosPlan.Draw(1000, 4, 20, 3, Enum.GetValues<Disasters>().Aggregate((all, kind) => all | kind)).Select(one => one.What).Distinct().Order());
        Assert.InRange(plan.Count(one => one.What == Disaster.DuringRecovery) / 1000.0, 0.15, 0.25);
        Assert.All(plan, one => Assert.True(one is { Gap: >= 1 and <= 40, Phase: >= 0 and < 1, Silo: >= 0 and < 4 }));
    }

    [Fact]
    public async Task A_run_whose_silos_die_is_the_run_whose_silos_live()
    {
        using var folder = new TemporaryFolder();
        folder.Write("text/a.txt", string.Concat(Enumerable.Range(0, 3000).Select(i => $"{i} is a number. ")));
        string config = folder.Write(
            "run.json",
            $$$"""{"text": ["{{{folder.Path}}}/text"], "microBatches": 4, "batch": 8, "model": {"dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16}}""");

        CommandLineRun run = await CommandLineRun.Of("chaos", "--config", config, "--kills", "4", "--snapshot-every", "5", "--seed", "2", "--json");

        Assert.True(run.ExitCode == 0, $"{run.Output}{run.Error}");
        JsonElement report = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(4, report.GetProperty("kills").GetInt32());
        Assert.Equal(0, report.GetProperty("lost_steps").GetInt32());
        Assert.True(report.GetProperty("bit_identical").GetBoolean());
        Assert.True(report.GetProperty("steps_repeated").GetProperty("worst").GetDouble() > 0, "No step was ever learnt again.");
    }

    [Theory]
    [InlineData("--silos", "2"), InlineData("--kills", "0"), InlineData("--store", "redis"), InlineData("--disasters", "freeze")]
    [InlineData("--disasters", "kill,flood", "--cluster"), InlineData("--disasters", "forget", "--cluster")]
    public async Task What_cannot_be_survived_is_refused(params string[] options)
    {
        CommandLineRun run = await CommandLineRun.Of(["chaos", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(options[0], run.Error, StringComparison.Ordinal);
    }
}
