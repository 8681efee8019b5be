using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Tests.Support;

/// <summary>Small runs whose dimensions fill no vector, and batches that follow from the step alone.</summary>
internal static class TrainingRuns
{
    /// <summary>Two layers of 5 and 7 experts around a dense one.</summary>
    public static RunConfiguration Small { get; } = new()
    {
        Model = new ModelConfiguration
        {
            Vocabulary = 31,
            Dim = 20,
            Heads = 2,
            KeyValueHeads = 1,
            Hidden = 22,
            Experts = [5, 0, 7],
            MaximumSequence = 9,
            Seed = 7,
        },
        Optimizer = new OptimizerOptions { WarmupSteps = 5, TotalSteps = 60 },
        MicroBatches = 8,
    };

    /// <summary>As <see cref="Small"/>, with experts and gates of a kind.</summary>
    public static RunConfiguration With(string expert, GateOptions gate) => Small with { Model = Small.Model with { Expert = expert, Gate = gate } };

    /// <summary>
    /// The micro-batches of a step: sequences of different number and length, some padded at their end, some targets masked, and one
    /// micro-batch in which nothing is to be predicted.
    /// </summary>
    public static IReadOnlyList<MicroBatch> Batch(RunConfiguration run, long step)
    {
        var random = new Random((int)(step * 7919));
        return [.. Enumerable.Range(0, run.MicroBatches).Select(index => MicroBatch(random, run.Model, masked: index == (int)(step % 8) + 1))];
    }

    public static IEnumerable<IReadOnlyList<MicroBatch>> Batches(RunConfiguration run, int steps) =>
        Enumerable.Range(1, steps).Select(step => Batch(run, step));

    private static MicroBatch MicroBatch(Random random, ModelConfiguration model, bool masked)
    {
        int length = random.Next(1, model.MaximumSequence + 1);
        int sequences = masked ? random.Next(0, 2) : random.Next(1, 5);
        int[] inputs = new int[sequences * length];
        int[] targets = new int[inputs.Length];
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            int start = random.Next(model.Vocabulary);
            int end = random.Next(3) == 0 ? random.Next(1, length + 1) : length;
            for (int i = 0; i < length; i++)
            {
                int place = sequence * length + i;
                inputs[place] = i < end ? (start + 3 * i) % model.Vocabulary : -1;
                targets[place] = i < end && !masked && (i == 0 || random.Next(6) > 0) ? (start + 3 * (i + 1)) % model.Vocabulary : -1;
            }
        }

        return new MicroBatch(inputs, targets, length);
    }
}
