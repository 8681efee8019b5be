using MoEActors.Benchmarks;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Tests.Cli.Bench;

/// <summary>The benchmarks of the director and of changes of placement, on models too small for their times to mean anything.</summary>
public sealed class DirectorBenchmarkTests
{
    private static readonly ModelConfiguration Tiny = DirectorBenchmark.Model with { Dim = 16, Heads = 2, Hidden = 16, MaximumSequence = 16 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Experts that take most of a step, so that what the director measures tells it the same on every machine: levelling pays.</summary>
    private static readonly ModelConfiguration Small = Tiny with { Dim = 32, Hidden = 512 };

    [Fact]
    public async Task The_director_levels_a_drawn_load_and_the_losses_stay()
    {
        DirectorBenchmarkReport report = await DirectorBenchmark.RunAsync(Small, sequences: 8, silos: 4, warmup: 8, steps: 4, progress: null, Cancellation);
        foreach (DirectorComparison found in new[] { report.Reproducible, report.Fractional })
        {
            // Σ of 1 to 1/4 over Σ of 1 to 1/16, times four workers.
            Assert.InRange(found.BalanceRatioWithout, 2.2, 2.7);
            Assert.InRange(found.BalanceRatioWith, 1, 1.3);
            Assert.True(found.Decisions > 0);
            Assert.True(found.ShardsMoved > 0);
            Assert.True(found.BytesMoved > 0);
            Assert.NotNull(found.PredictionErrorWithout);
            Assert.NotNull(found.PredictionErrorWith);
            Assert.True(found.BusiestWorkerRatio > 0);
            Assert.True(found.MoETimeRatio > 0);
            Assert.InRange(found.LossesApart, 0, 1e-5);
        }

        Assert.True(report.Reproducible.LossesIdentical);
    }

    [Fact]
    public async Task Every_change_beside_the_steps_is_counted()
    {
        var run = new RunConfiguration
        {
            MicroBatches = 2,
            Model = Tiny with { Experts = [4, 4], Gate = new GateOptions { TopK = 2 } },
            Optimizer = new OptimizerOptions { LearningRate = 1e-3f },
        };
        PlacementChangeReport report = await PlacementChangeBenchmark.RunAsync(run, silos: 2, switches: 3, every: 4, progress: null, Cancellation);
        Assert.InRange(report.Switches, 3, 4);
        Assert.Equal(sizeof(float) * 3 * 3 * 16 * 16, report.BytesPerSwitch);
        Assert.True(report.MedianSeconds > 0);
        Assert.Equal(report.ExtraSeconds / report.MedianSeconds, report.ExtraShare, 9);
        Assert.True(report.WorstShare >= report.ExtraShare);
        Assert.True(report.Steps > 2 * report.Switches);
    }
}
