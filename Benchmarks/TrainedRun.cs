using MoEActors.Client.Data;

namespace MoEActors.Benchmarks;

/// <summary>A training run to measure. It keeps nothing on disk.</summary>
/// <param name="Run">Model and optimizer.</param>
/// <param name="Corpus">Its text.</param>
/// <param name="Sequences">Sequences per step, of all micro-batches together.</param>
public sealed record TrainedRun(RunConfiguration Run, ByteCorpus Corpus, int Sequences)
{
    /// <summary>Steps that compile the code and warm the arenas.</summary>
    public const int WarmupSteps = 20;

    /// <summary>Whether the placement follows the load, as it does in the demo.</summary>
    public bool Director { get; init; }

    /// <summary>Creates the model on a cluster.</summary>
    public Task<MoEModel> CreateAsync(MoECluster cluster, CancellationToken cancellation) =>
        cluster.CreateModelAsync("bench", Run, cancellationToken: cancellation);

    /// <summary>The batches of the first steps.</summary>
    public IEnumerable<IReadOnlyList<MicroBatch>> Batches(int steps)
    {
        TrainingWindows windows = Corpus.TrainingWindows((long)Run.Model.Seed, Run.Model.MaximumSequence);
        return Enumerable.Range(1, steps).Select(step => ByteBatches.OfStep(windows, step, Run.MicroBatches, Sequences));
    }
}

/// <summary>Batches of random tokens, for measurements to which the text does not matter.</summary>
internal static class RandomBatches
{
    /// <summary>The batches of the first steps, of sequences as long as the model takes.</summary>
    /// <param name="run">The run.</param>
    /// <param name="sequences">Sequences of a micro-batch.</param>
    /// <param name="steps">Steps.</param>
    public static IEnumerable<IReadOnlyList<MicroBatch>> Of(RunConfiguration run, int sequences, int steps)
    {
        int length = run.Model.MaximumSequence;
        Random random = new(1);
        for (int step = 0; step < steps; step++)
        {
            yield return
            [
                .. Enumerable.Range(0, run.MicroBatches).Select(_ =>
                {
                    int[] tokens = [.. Enumerable.Range(0, sequences * length + 1).Select(_ => random.Next(run.Model.Vocabulary))];
                    return new MicroBatch(tokens[..^1], tokens[1..], length);
                }),
            ];
        }
    }
}
