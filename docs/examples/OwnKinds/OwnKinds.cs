using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.KindChecks;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Silo.Embedded;

namespace MoEActors.Examples;

/// <summary>A gate and an expert of your own, each a small class, registered by name and trained on some silos.</summary>
internal static class OwnKinds
{
    public static async Task RunAsync(int silos, int steps, TextWriter output)
    {
        // Silos do this by themselves when they start; a test of your own can do it without one.
        ExpertKindCheck.Run(new SquaredReluExpert());
        GateKindCheck.Run(new TopPGate(p: 0.6f));

        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new()
        {
            Silos = silos,
            GateKinds = [new TopPGate(p: 0.6f)],
            ExpertKinds = [new SquaredReluExpert()],
        });
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration
            {
                Vocabulary = 16,
                Dim = 16,
                Heads = 2,
                KeyValueHeads = 1,
                Hidden = 24,
                Experts = [6, 6],
                MaximumSequence = 16,
                Expert = "squared-relu",
                Gate = new GateOptions { Kind = "top-p", TopK = 4 },
            },
            Optimizer = new OptimizerOptions { LearningRate = 1e-2f, WarmupSteps = 5, TotalSteps = steps },
            MicroBatches = 4,
        };
        MoEModel model = await cluster.Client.CreateModelAsync("own-kinds", run);
        IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Range(1, steps).Select(step => Batch(step, run));
        await foreach (StepOutcome step in model.TrainAsync(batches))
        {
            if (step.Step % 10 == 0 || step.Step == 1)
            {
                double experts = (double)step.ChosenTokens[0].Sum() / step.Tokens;
                output.WriteLine($"step {step.Step}: loss {step.CrossEntropy:0.000}, {experts:0.00} experts per token in the first layer");
            }
        }
    }

    /// <summary>Sequences that count up by 1, 3 or 5 and begin anywhere.</summary>
    private static MicroBatch[] Batch(int step, RunConfiguration run)
    {
        var random = new Random(step);
        int length = run.Model.MaximumSequence;
        return
        [
            .. Enumerable.Range(0, run.MicroBatches).Select(_ =>
            {
                int[] text =
                [
                    .. Enumerable.Range(0, 4).SelectMany(_ =>
                    {
                        (int start, int stride) = (random.Next(16), 1 + 2 * random.Next(3));
                        return Enumerable.Range(0, length + 1).Select(i => (start + i * stride) % run.Model.Vocabulary);
                    }),
                ];
                int[][] sequences = [.. text.Chunk(length + 1)];
                return new MicroBatch([.. sequences.SelectMany(one => one[..length])], [.. sequences.SelectMany(one => one[1..])], length);
            }),
        ];
    }
}
