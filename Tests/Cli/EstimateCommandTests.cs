using System.Text.Json;

namespace MoEActors.Tests.Cli;

/// <summary>`moe estimate` says what each worker needs, without running anything.</summary>
[Collection(MoEActors.Tests.CudaEmulation.CudaCollection.Name)]
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


        // One more than the others writes the dense part of a snapshot, and one keeps a copy of that.
        Assert.Equal(["rank", "0", "rank", "1", "rank", "2"], lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
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

    [Fact]
    public async Task On_a_gpu_no_score_is_stored_and_with_bfloat16_operands_take_half()
    {
        JsonElement cpu = await FirstAsync("cpu"), gpu = await FirstAsync("cuda"), rounded = await FirstAsync("cuda/bf16");
        Assert.Equal(Bytes(cpu, "phase_open"), Bytes(gpu, "phase_open"));
        Assert.InRange(Bytes(rounded, "parameters"), Bytes(gpu, "parameters") * 5 / 4, Bytes(gpu, "parameters") * 3 / 2);
        Assert.Equal(Bytes(gpu, "moments"), Bytes(rounded, "moments"));
        Assert.True(Bytes(gpu, "activations_backward") < Bytes(cpu, "activations_backward"));
        Assert.True(Bytes(rounded, "activations_backward") < Bytes(gpu, "activations_backward"));

        async Task<JsonElement> FirstAsync(string device) => (await ReadAsync("none", "--device", device)).GetProperty("workers")[0];
        static long Bytes(JsonElement worker, string name) => worker.GetProperty(name).GetInt64();
    }

    [Fact]
    public async Task It_says_whether_a_memory_that_is_elsewhere_suffices_and_what_would_help()
    {
        await File.WriteAllTextAsync(
            _file,
            """
            { "model": { "dim": 2048, "heads": 16, "keyValueHeads": 16, "hidden": 2048, "experts": [16, 16, 16, 16], "maximumSequence": 1024 }, "batch": 16, "device": "cuda" }
            """,
            TestContext.Current.CancellationToken);
        CommandLineRun large = await CommandLineRun.Of("estimate", "--config", _file, "--workers", "1", "--device", "cuda/bf16", "--memory", "80");
        CommandLineRun small = await CommandLineRun.Of("estimate", "--config", _file, "--workers", "1", "--memory", "16");
        Assert.Contains("1 workers on cuda/bf16, micro-batches", large.Output, StringComparison.Ordinal);
        Assert.Contains("Of 80 GiB each of 1 workers may allocate 73,728 MiB: it fits.", large.Output, StringComparison.Ordinal);
        Assert.Contains("1 workers on cuda, micro-batches", small.Output, StringComparison.Ordinal);
        Assert.Contains("it does not fit.", small.Output, StringComparison.Ordinal);
        Assert.Contains("It fits with Recompute = \"all\", or with 2 workers of this memory.", small.Output, StringComparison.Ordinal);
        CommandLineRun elsewhere = await CommandLineRun.Of("estimate", "--config", _file, "--workers", "1", "--device", "cuda:77");
        Assert.Contains("This machine has no cuda; with --memory GIB it says whether that fits others.", elsewhere.Output, StringComparison.Ordinal);
        CommandLineRun wrong = await CommandLineRun.Of("estimate", "--config", _file, "--device", "gpu");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("--device 'gpu' is none of cpu, cuda", wrong.Error, StringComparison.Ordinal);
    }

    private async Task<JsonElement> ReadAsync(string recompute, params string[] more)
    {
        CommandLineRun run = await CommandLineRun.Of(["estimate", "--config", _file, "--workers", "2", "--recompute", recompute, "--json", .. more]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
