using MoEActors.Examples;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Tests.Gates;

namespace MoEActors.Tests.Kinds;

/// <summary>Gradients through kinds of one's own reach the loss as differences say: pieces of every sort.</summary>
public sealed class OwnKindGradientTests
{
    [Theory, InlineData("squared-relu", "top-p"), InlineData("swiglu", "squared-sigmoid"), InlineData("squared-relu", "squared-sigmoid")]
    public void Gradients_are_slopes(string expert, string gate)
    {
        // Every expert of every token: no step along a router changes a choice.
        ModelConfiguration model = (DecoderRun.Small(new GateOptions { Kind = gate, TopK = 4, BalanceCoefficient = 0, ZCoefficient = 0 }) with { Expert = expert, Experts = [4, 0, 4] })
            .Using(ModelKinds.BuiltIn.With([new SquaredReluExpert()], [new TopPGate(1.1f), new SquaredSigmoidGate()]));
        using var run = new DecoderRun(model);
        float scale = 1f / run.Batch.TargetCount;
        run.Model.Train(run.Batch, scale, auxiliaryScale: 0);
        foreach (ParameterBlock block in new[] { run.Dense }.Concat(run.Experts.Take(2)))
        {
            foreach (Parameter parameter in block.Parameters.Where(one => one.Shape.Name.Contains("router", StringComparison.Ordinal) || block != run.Dense))
            {
                Check(run, parameter, block.Prefix + parameter.Shape.Name, scale);
            }
        }
    }

    /// <summary>Along its own direction a gradient's slope is its norm.</summary>
    private static void Check(DecoderRun run, Parameter parameter, string name, float scale)
    {
        const float step = 2e-2f;
        float[] gradient = parameter.GradientVector.AsSpan().ToArray();
        float[] values = parameter.Vector.AsSpan().ToArray();
        double norm = Math.Sqrt(gradient.Sum(value => (double)value * value));
        Assert.True(norm > 0, $"{name} has no gradient.");
        double Loss(float along)
        {
            for (int i = 0; i < values.Length; i++)
            {
                parameter.Vector.AsSpan()[i] = (float)(values[i] + along * gradient[i] / norm);
            }

            return scale * run.Model.Evaluate(run.Batch);
        }

        double slope = (Loss(step) - Loss(-step)) / (2 * step);
        Loss(0);
        Assert.True(Math.Abs(slope - norm) <= 1e-4 + 0.02 * norm, $"The slope along {name} is {slope:E4}, its gradient {norm:E4}.");
    }
}
