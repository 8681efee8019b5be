using System.Text.Json;

namespace MoEActors.Tests.Cli.Bench;

/// <summary>The benchmarks of whole training runs, on a tiny one.</summary>
public sealed class RunBenchmarkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moe-bench-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_shares_of_a_step_add_up_to_one()
    {
        JsonElement report = await RunAsync("step", "--steps", "5", "--silos", "2");
        JsonElement shares = report.GetProperty("shares");

        Assert.Equal(1, shares.EnumerateObject().Sum(share => share.Value.GetDouble()), 9);
        Assert.All(shares.EnumerateObject(), share => Assert.True(share.Value.GetDouble() > 0));

        // Workers' clocks run on between steps: what they saw is what passed, but for the moments at which a step's end is learnt, which are long beside five small steps on a busy machine.
        Assert.InRange(report.GetProperty("accounted").GetDouble(), 0.4, 2.5);
    }

    [Fact]
    public async Task Moves_return_all_device_memory()
    {
        JsonElement report = await RunAsync("moves", "--steps", "12", "--every", "3", "--silos", "3");

        Assert.Equal(12, report.GetProperty("steps").GetInt32());
        Assert.InRange(report.GetProperty("moves").GetInt32(), 2, 12);
        Assert.Equal(0, report.GetProperty("unmanaged_bytes_leaked").GetInt64());
        Assert.True(report.GetProperty("bytes_moved").GetInt64() > 0);
        Assert.True(report.GetProperty("slowest_ratio").GetDouble() >= 1);
    }

    private async Task<JsonElement> RunAsync(string benchmark, params string[] arguments)
    {
        string text = Path.Combine(_folder, "text");
        Directory.CreateDirectory(text);
        for (int i = 0; i < 4; i++)
        {
            await File.WriteAllTextAsync(
                Path.Combine(text, $"{i}.txt"), string.Concat(Enumerable.Range(0, 200).Select(line => $"{i} and {line} are numbers. ")),
                TestContext.Current.CancellationToken);
        }

        string config = Path.Combine(_folder, "run.json");
        await File.WriteAllTextAsync(
            config,
            JsonSerializer.Serialize(new
            {
                model = new { dim = 16, heads = 2, keyValueHeads = 1, hidden = 12, experts = new[] { 4, 4 }, maximumSequence = 16, vocabulary = 256 },
                batch = 4,
                microBatches = 4,
                text = new[] { text },
            }),
            TestContext.Current.CancellationToken);
        CommandLineRun run = await CommandLineRun.Of(["bench", benchmark, "--config", config, "--json", .. arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
