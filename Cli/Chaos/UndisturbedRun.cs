using MoEActors.Benchmarks;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Chaos;

/// <summary>What a run leads to when nothing happens to it: on one silo of this process, without snapshots.</summary>
/// <param name="Losses">The losses of its steps.</param>
/// <param name="Fingerprint">The hash of its parameters after the last one.</param>
internal sealed record UndisturbedRun(IReadOnlyList<double> Losses, ulong Fingerprint)
{
    /// <summary>Trains it.</summary>
    public static async Task<UndisturbedRun> OfAsync(TrainedRun run, int steps, ChaosProgress progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster =
            await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = 1, SnapshotInterval = 0 }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        List<double> losses = [];
        await foreach (StepOutcome outcome in model.TrainAsync(run.Batches(steps), cancellation))
        {
            losses.Add(outcome.Loss);
            progress.Show($"again undisturbed, on one silo: step {outcome.Step} of {steps}");
        }

        return new UndisturbedRun(losses, await model.FingerprintAsync(cancellation));
    }

    /// <summary>The first step whose loss is another here, by a bit; null for none.</summary>
    public int? FirstDifference(IReadOnlyList<double> losses)
    {
        for (int i = 0; i < losses.Count; i++)
        {
            if (BitConverter.DoubleToInt64Bits(losses[i]) != BitConverter.DoubleToInt64Bits(Losses[i]))
            {
                return i + 1;
            }
        }

        return null;
    }
}
