using MoEActors.Modules.Models;

namespace MoEActors.Cli.Bench;

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
