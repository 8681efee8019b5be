using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Silo.Embedded;

namespace MoEActors.Examples;

/// <summary>
/// A mixture-of-experts layer in a network of your own. Everything else here is plain C#: points go through a dense layer, the experts and a head,
/// and learn a function that is another one in each quadrant.
/// </summary>
internal static class OwnBackbone
{
    private const int Rows = 96;

    public static async Task RunAsync(int silos, int steps, TextWriter output)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new() { Silos = silos });
        ClusterLayer experts = await cluster.Client.CreateLayerAsync("experts", new LayerConfiguration
        {
            Dim = 16,
            Experts = 8,
            Hidden = 32,
            Gate = new GateOptions { TopK = 2 },
            Optimizer = new OptimizerOptions { LearningRate = 1e-2f, WarmupSteps = 5, TotalSteps = steps },
        });
        int dim = experts.Configuration.Dim;
        var input = new DenseLayer(2, dim, new Random(1));
        var head = new DenseLayer(dim, 1, new Random(2));
        float[] h = new float[Rows * dim], y = new float[Rows * dim], dh = new float[Rows * dim];
        for (int step = 1; step <= steps; step++)
        {
            (float[] points, float[] targets) = Batch(step);
            input.Forward(points, h);
            for (int i = 0; i < h.Length; i++)
            {
                h[i] = MathF.Tanh(h[i]);
            }

            // The layer reads h and writes y where they are. Its outputs are added to h, as in a transformer.
            ForwardOutcome routed = await experts.ForwardAsync(h, y);
            for (int i = 0; i < y.Length; i++)
            {
                y[i] += h[i];
            }

            float[] found = new float[Rows], dFound = new float[Rows], dy = new float[Rows * dim];
            head.Forward(y, found);
            float loss = 0;
            for (int row = 0; row < Rows; row++)
            {
                float error = found[row] - targets[row];
                loss += error * error / Rows;
                dFound[row] = 2 * error / Rows;
            }

            // Backward: dy comes from the head, dx of the experts goes into dh; the path around them adds dy itself.
            head.Backward(y, dFound, dy);
            await experts.BackwardAsync(dy, dh);
            for (int i = 0; i < dh.Length; i++)
            {
                dh[i] = (dh[i] + dy[i]) * (1 - h[i] * h[i]);
            }

            input.Backward(points, dh, dx: null);
            StepOutcome update = await experts.ApplyAsync();
            input.Apply(rate: 0.05f);
            head.Apply(rate: 0.05f);
            if (step % 20 == 0 || step == 1)
            {
                output.WriteLine(
                    $"step {step}: loss {loss:0.0000}, auxiliary {routed.Auxiliary:0.0000}, gradient norm {update.GradientNorm:0.000}, "
                    + $"tokens per expert {string.Join(" ", routed.KeptTokens)}");
            }
        }
    }

    /// <summary>Points of the square from -1 to 1, and what is to be learnt of them.</summary>
    private static (float[] Points, float[] Targets) Batch(int step)
    {
        var random = new Random(step);
        float[] points = new float[2 * Rows], targets = new float[Rows];
        for (int row = 0; row < Rows; row++)
        {
            float a = points[2 * row] = 2 * random.NextSingle() - 1;
            float b = points[2 * row + 1] = 2 * random.NextSingle() - 1;
            targets[row] = (a > 0, b > 0) switch
            {
                (true, true) => a * b,
                (true, false) => 1 - a,
                (false, true) => -b,
                _ => MathF.Sin(3 * a) * b,
            };
        }

        return (points, targets);
    }
}
