using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Tests.Layers;

/// <summary>A caller with rows and gradients that follow from the step alone.</summary>
internal static class LayerBackbone
{
    public static LayerConfiguration Small { get; } = new()
    {
        Dim = 10,
        Experts = 5,
        Hidden = 9,
        Gate = new GateOptions { TopK = 2 },
        Optimizer = new OptimizerOptions { LearningRate = 1e-2f, WarmupSteps = 2, TotalSteps = 40 },
        MicroBatches = 6,
        Seed = 3,
    };

    public static float[] Values(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];
    }

    /// <summary>Some steps of two passes each, of different numbers of rows, and what they came to.</summary>
    public static async Task<LayerTrace> TrainAsync(ClusterLayer layer, int steps, Func<int, Task>? between = null)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        List<float> numbers = [];
        for (int i = 0; i < steps; i++)
        {
            int step = (int)layer.Step + 1;
            foreach (int pass in new[] { 1, 2 })
            {
                // Fewer rows than micro-batches, and numbers of rows that they do not divide.
                int rows = pass == 1 ? 3 + 7 * step : step % 8 + 1;
                float[] x = Values(100 * step + pass, rows * layer.Configuration.Dim), y = new float[x.Length], dx = new float[x.Length];
                ForwardOutcome forward = await layer.ForwardAsync(x, y, auxiliaryScale: 0.5f, cancellationToken: cancellation);
                await layer.BackwardAsync(y.Select((value, j) => (value - x[j]) / rows).ToArray(), dx, cancellation);
                numbers.AddRange([.. y, .. dx, (float)forward.Auxiliary, .. forward.KeptTokens, .. forward.ChosenTokens]);
            }

            StepOutcome outcome = await layer.ApplyAsync(cancellation);
            numbers.AddRange([(float)outcome.GradientNorm, outcome.KeptTokens[0].Sum()]);
            if (between is not null)
            {
                await between(step);
            }
        }

        return new LayerTrace([.. numbers], await layer.FingerprintAsync(cancellation));
    }
}
