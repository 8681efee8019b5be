using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Native.DryRun;
using MoEActors.Native.Memory;
using MoEActors.Tests.Cli;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Tests.Memory;

/// <summary>Models of the sizes that are published can be estimated, though no worker could hold their dense part in one piece.</summary>
public sealed class LargeModelTests
{
    private static readonly ModelConfiguration Mixtral8x7B = new()
    {
        Vocabulary = 32_000,
        Dim = 4096,
        Heads = 32,
        KeyValueHeads = 8,
        Hidden = 14_336,
        Experts = [.. Enumerable.Repeat(8, 32)],
        MaximumSequence = 4096,
    };

    private static readonly ModelConfiguration DeepSeekV3 = new()
    {
        Vocabulary = 129_280,
        Dim = 7168,
        Heads = 128,
        KeyValueHeads = 128,
        Hidden = 2048,
        Experts = [0, 0, 0, .. Enumerable.Repeat(256, 58)],
        SharedExperts = 1,
        MaximumSequence = 2048,
        Gate = new GateOptions { TopK = 8, Scores = GateScores.Sigmoid, Groups = 8, TopGroups = 4, BiasUpdateRate = 0.001f, RoutedScale = 2.5f },
    };

    public static TheoryData<string, int> Cases => new() { { "mixtral", 8 }, { "deepseek", 64 } };

    [Theory, MemberData(nameof(Cases))]
    public void They_are_counted_without_an_overflow(string name, int workers)
    {
        ModelConfiguration model = name == "mixtral" ? Mixtral8x7B : DeepSeekV3;
        var run = new RunConfiguration { Model = model, Recompute = LayerSelection.All };
        run.ValidateForEstimate();
        MemoryEstimate estimate = MemoryEstimator.Estimate(run, workers, new MicroBatchShape(1, model.MaximumSequence));
        int here = model.Experts.Sum() / workers;
        long dense = ModelLayout.ParameterCount(model) - model.Experts.Sum(experts => (long)experts) * ModelLayout.ExpertCount(model);
        Assert.True(dense > int.MaxValue / 4, $"{dense} parameters are no test.");
        foreach (WorkerEstimate worker in estimate.Workers)
        {
            long parameters = sizeof(float) * (dense + here * ModelLayout.ExpertCount(model));
            Assert.Equal((parameters, parameters, 2 * parameters), (worker.Parameters, worker.Gradients, worker.Moments));
            Assert.Equal(sizeof(float) * dense, worker.DenseSums);
            Assert.True(worker.Tables > 0 && worker.ForwardArena > 0 && worker.BackwardArena > worker.ForwardArena);
            Assert.True(worker.Phases[(int)MemoryPhase.Backward] > 4 * parameters);
        }

        // To be trained they would have to lie in smaller pieces: that is said, not found out.
        ModelConfigurationException refused = Assert.Throws<ModelConfigurationException>(run.Validate);
        Assert.Contains("in one piece", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_program_estimates_them()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                """
                { "model": { "vocabulary": 32000, "dim": 4096, "heads": 32, "keyValueHeads": 8, "hidden": 14336, "experts": [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
                  8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8], "maximumSequence": 1024 }, "batch": 8, "microBatches": 8 }
                """,
                TestContext.Current.CancellationToken);
            CommandLineRun run = await CommandLineRun.Of("estimate", "--config", file, "--workers", "8");
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            Assert.Contains("8 workers, micro-batches of 1×1024 tokens", run.Output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_tensor_that_no_operation_takes_is_refused_by_name()
    {
        var run = new RunConfiguration { Model = Mixtral8x7B with { Vocabulary = 1 << 20 } };
        ModelConfigurationException refused = Assert.Throws<ModelConfigurationException>(run.ValidateForEstimate);
        Assert.Contains("tensor 'embed_tokens' would be [1048576, 4096]", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_span_may_be_longer_than_an_operation_takes_and_says_so()
    {
        const long length = 5L * int.MaxValue;
        using var device = new DryRunDevice();
        using DeviceBuffer buffer = device.Allocate(length * sizeof(float));
        DeviceSpan<float> all = buffer.As<float>();
        Assert.Equal(length, all.LongLength);
        Assert.Contains("at most 2147483647 at once", Assert.Throws<OverflowException>(() => all.Length).Message, StringComparison.Ordinal);
        DeviceSpan<float> last = all.Slice(length - 3);
        Assert.Equal((3, all.Address + (length - 3) * sizeof(float)), (last.Length, (long)last.Address));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Slice(length - 3, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Slice(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => all.Slice(0, -1));
    }
}
