using System.Collections.Concurrent;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Support;

/// <summary>What a run led to: its losses and gradient norms step by step, and the hash of its parameters.</summary>
internal sealed record TrainingTrace(double[] Losses, double[] Norms, ulong Fingerprint)
{
    private static readonly ConcurrentDictionary<(string Run, int Steps), Lazy<Task<TrainingTrace>>> Undisturbed = new();

    /// <summary>What a run leads to when nothing happens to it. It is the same wherever it is trained, so that once is enough for all tests.</summary>
    public static Task<TrainingTrace> UndisturbedAsync(RunConfiguration run, int steps) => Undisturbed.GetOrAdd((run.ToJson(), steps), _ => new(async () =>
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        return await OfAsync(await cluster.Client.CreateModelAsync(cluster["undisturbed"], run, null, TestContext.Current.CancellationToken), steps);
    })).Value;

    /// <summary>Trains a model for some steps.</summary>
    public static async Task<TrainingTrace> OfAsync(MoEModel model, int steps)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        List<StepOutcome> outcomes = [];
        IEnumerable<IReadOnlyList<MicroBatch>> batches =
            Enumerable.Range((int)model.Step + 1, steps).Select(step => TrainingRuns.Batch(model.Run, step));
        await foreach (StepOutcome outcome in model.TrainAsync(batches, cancellation))
        {
            outcomes.Add(outcome);
        }

        return new TrainingTrace(
            [.. outcomes.Select(outcome => outcome.Loss)],
            [.. outcomes.Select(outcome => outcome.GradientNorm)],
            await model.FingerprintAsync(cancellation));
    }

    /// <summary>Fails unless <paramref name="actual"/> is this to the last bit.</summary>
    public void AssertSame(TrainingTrace actual, string what)
    {
        for (int i = 0; i < Losses.Length; i++)
        {
            Assert.True(
                Bits(Losses[i]) == Bits(actual.Losses[i]) && Bits(Norms[i]) == Bits(actual.Norms[i]),
                $"{what}: step {i + 1} has loss {actual.Losses[i]:R} and norm {actual.Norms[i]:R}, elsewhere {Losses[i]:R} and {Norms[i]:R}.");
        }

        Assert.Equal(Losses.Length, actual.Losses.Length);
        Assert.True(Fingerprint == actual.Fingerprint, $"{what}: the parameters differ.");
    }

    /// <summary>Fails unless <paramref name="actual"/> is how this ends.</summary>
    public void AssertEnd(TrainingTrace actual, string what) =>
        (this with { Losses = Losses[^actual.Losses.Length..], Norms = Norms[^actual.Norms.Length..] }).AssertSame(actual, what);

    private static long Bits(double value) => BitConverter.DoubleToInt64Bits(value);
}
