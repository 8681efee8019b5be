using System.Text.Json;

namespace MoEActors.Tests.Cli;

/// <summary>`moe estimate` says what each worker needs, without running anything.</summary>
public sealed class EstimateCommandTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public EstimateCommandTests() => File.WriteAllText(
        _file,
        """
        { "model": { "dim": 32, "heads": 2, "keyValueHeads": 1, "hidden": 48, "experts": [8, 0, 6], "maximumSequence": 64 }, "batch": 24, "microBatches": 8 }
        """);

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task It_prints_a_column_for_every_kind_of_worker()
    {
        CommandLineRun run = await CommandLineRun.Of("estimate", "--config", _file, "--workers", "3");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        string[] lines = run.Output.ReplaceLineEndings("\n").Split('\n');
        Assert.Equal("3 workers, micro-batches of 3×64 tokens, recompute none. MiB of each worker:", lines[0]);
        Assert.Equal(["ranks", "0-1", "rank", "2"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(lines, line => line.StartsWith("activations, backward", StringComparison.Ordinal));
        Assert.Contains("it fits", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Phases_add_up_and_recomputation_saves_activations()
    {
        JsonElement kept = await ReadAsync("none");
        JsonElement again = await ReadAsync("all");
        foreach (JsonElement worker in kept.GetProperty("workers").EnumerateArray())
        {
            long Bytes(string name) => worker.GetProperty(name).GetInt64();
            long held = Bytes("parameters") + Bytes("gradients") + Bytes("dense_sums") + Bytes("moments") + Bytes("tables");
            Assert.Equal(held, Bytes("phase_open"));
            Assert.Equal(held + Bytes("activations_forward"), Bytes("phase_forward"));
            Assert.Equal(held + Bytes("activations_backward"), Bytes("phase_backward"));
            Assert.True(Bytes("phase_transfer") > Bytes("phase_backward") && Bytes("worst_routing") > Bytes("phase_backward"));
            Assert.True(
                again.GetProperty("workers")[worker.GetProperty("rank").GetInt32()].GetProperty("activations_backward").GetInt64() < Bytes("activations_backward"));
        }
    }

    private async Task<JsonElement> ReadAsync(string recompute)
    {
        CommandLineRun run = await CommandLineRun.Of("estimate", "--config", _file, "--workers", "2", "--recompute", recompute, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
