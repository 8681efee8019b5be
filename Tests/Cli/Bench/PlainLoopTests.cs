using System.Text;
using MoEActors.Benchmarks;
using MoEActors.Client.Data;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Tests.Cli.Bench;

/// <summary>The yardstick of `moe bench step`: the same workers, driven without grains.</summary>
public sealed class PlainLoopTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The benchmark itself refuses to report when a single loss differs by a bit, wherever the director has put the experts.</summary>
    [Fact]
    public async Task The_plain_loop_takes_the_steps_of_the_cluster()
    {
        TextDocument[] documents =
        [
            .. Enumerable.Range(0, 4).Select(i => new TextDocument(
                $"{i}", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 200).Select(line => $"{i} and {line} are numbers. "))))),
        ];
        var run = new RunConfiguration
        {
            MicroBatches = 4,
            Model = new ModelConfiguration
            {
                Vocabulary = ByteBatches.Vocabulary,
                Dim = 16,
                Heads = 2,
                KeyValueHeads = 1,
                Hidden = 12,
                Experts = [4, 4],
                Gate = new GateOptions { TopK = 2 },
                MaximumSequence = 16,
            },
            Optimizer = new OptimizerOptions { LearningRate = 1e-3f },
        };
        StepBenchmarkReport report = await StepBenchmark.RunAsync(
            new TrainedRun(run, ByteCorpus.Divide(documents), Sequences: 4) { Director = true }, silos: 2, steps: 60, progress: null, Cancellation);

        Assert.Equal(60, report.Steps);
        Assert.Equal(2, report.PlainLoop.Blocks);
        Assert.InRange(report.ProcessorShareOutsideWorkers, 0, 1);
        Assert.True(report.ProcessorSecondsPerStep > 0);
        Assert.True(report.PlainLoop.ProcessorSecondsPerStep > 0);
        Assert.True(report.PlainLoop.ProcessorRatio > 0);
        Assert.True(report.PlainLoop.SecondsRatio > 0);
    }
}
