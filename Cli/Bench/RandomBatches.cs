using MoEActors.Modules.Models;

namespace MoEActors.Cli.Bench;

/// <summary>Batches of random tokens, for measurements to which the text does not matter.</summary>
internal static class RandomBatches
{
    /// <summary>The batches of the first steps: one sequence per micro-batch.</summary>
    /// <param name="run">The run.</param>
    /// <param name="length">Tokens of a sequence.</param>
    /// <param name="steps">Steps.</param>
    public static IEnumerable<IReadOnlyList<MicroBatch>> Of(RunConfiguration run, int length, int steps)
    {
        Random random = new(1);
        for (int step = 0; step < steps; step++)
        {
            yield return
            [
                .. Enumerable.Range(0, run.MicroBatches).Select(_ =>
                {
                    int[] tokens = [.. Enumerable.Range(0, length + 1).Select(_ => random.Next(run.Model.Vocabulary))];
                    return new MicroBatch(tokens[..length], tokens[1..], length);
                }),
            ];
        }
    }
}
