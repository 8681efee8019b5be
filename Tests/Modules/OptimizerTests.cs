using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Tests.Native.Kernels;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>AdamW over blocks, its schedule and its clipping, against the formulas in double precision.</summary>
public sealed class OptimizerTests
{
    private static readonly OptimizerOptions Options = new() { LearningRate = 0.02f, WarmupSteps = 3, TotalSteps = 8, WeightDecay = 0.3f };

    [Fact]
    public void Blocks_follow_the_formula_and_only_matrices_decay()
    {
        using var device = new CpuDevice();
        using var block = new ParameterBlock(
            device, "", [ParameterShape.Weight("w", 5, 7, 0.5f), ParameterShape.Scale("s", 19), ParameterShape.Bias("b", 3)]);
        block.Initialise(3);
        var random = new Random(5);
        var optimizer = new Optimizer(Options);
        Dictionary<string, (double[] Value, double[] First, double[] Second)> expected = block.Parameters.ToDictionary(
            parameter => parameter.Shape.Name,
            parameter => (Values.Doubles(parameter.Vector.AsSpan()), new double[parameter.Shape.Count], new double[parameter.Shape.Count]));
        for (int step = 1; step <= 10; step++)
        {
            double squares = 0;
            foreach (Parameter parameter in block.Parameters)
            {
                Values.Vector(random, parameter.Shape.Count, 2).CopyTo(parameter.GradientVector.AsSpan());
                squares += parameter.GradientVector.AsSpan().ToArray().Sum(g => (double)g * g);
            }

            Assert.Equal(squares, GradientSquares.Of(device, block), squares * 1e-6);
            double clip = Math.Sqrt(squares) > 1 ? 1 / Math.Sqrt(squares) : 1;
            Assert.Equal(clip, Options.ClipFactor(Math.Sqrt(squares)), 1e-6);
            foreach (Parameter parameter in block.Parameters)
            {
                (double[] value, double[] first, double[] second) = expected[parameter.Shape.Name];
                double decay = parameter.Shape.Name == "w" ? 0.3 : 0;
                for (int i = 0; i < value.Length; i++)
                {
                    double g = clip * parameter.GradientVector.AsSpan()[i];
                    first[i] = 0.9 * first[i] + 0.1 * g;
                    second[i] = 0.95 * second[i] + 0.05 * g * g;
                    double direction = first[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                    value[i] -= Rate(step) * (direction + decay * value[i]);
                }
            }

            optimizer.Apply(device, block, block.Gradients, (float)clip, step);
            foreach (Parameter parameter in block.Parameters)
            {
                Values.AssertClose(expected[parameter.Shape.Name].Value, parameter.Vector.AsSpan(), 1e-5, $"{parameter.Shape.Name}, step {step}");
            }
        }
    }

    [Fact]
    public void The_rate_rises_in_a_line_falls_in_a_cosine_and_stays()
    {
        for (int step = 1; step <= 12; step++)
        {
            Assert.Equal(Rate(step), Options.LearningRateAt(step), 1e-8);
        }

        Assert.Equal(0.02f, Options.LearningRateAt(3));
        Assert.Equal(0.02f * 0.05f, Options.LearningRateAt(1_000_000), 1e-9f);
        Assert.Equal(0.02f, (Options with { WarmupSteps = 0 }).LearningRateAt(1), 2e-3f);
        Assert.True(float.IsFinite((Options with { WarmupSteps = 9, TotalSteps = 5 }).LearningRateAt(10)));
    }

    [Theory]
    [InlineData(LearningRateSchedule.Constant)]
    [InlineData(LearningRateSchedule.Wsd)]
    public void A_rate_that_stays_rises_in_a_line_and_falls_at_the_end_if_at_all(LearningRateSchedule schedule)
    {
        OptimizerOptions options = Options with { Schedule = schedule, TotalSteps = 20, DecayShare = 0.25f };
        for (int step = 1; step <= 30; step++)
        {
            double fallen = schedule == LearningRateSchedule.Wsd && step > 15 ? Math.Sqrt(Math.Min(1, (step - 15) / 5.0)) : 0;
            double expected = step <= 3 ? 0.02 * step / 3 : 0.02 * (0.05 + 0.95 * (1 - fallen));
            Assert.Equal(expected, options.LearningRateAt(step), 1e-8);
        }

        Assert.True(float.IsFinite((options with { WarmupSteps = 40 }).LearningRateAt(41)));
        Assert.Equal(0.02f * 0.05f, (options with { DecayShare = 1e-9f, Schedule = LearningRateSchedule.Wsd }).LearningRateAt(20), 1e-8f);
    }

    [Fact]
    public void A_schedule_that_cannot_be_is_named()
    {
        Assert.Equal(
            ["Schedule is 7; it must be one of Cosine, Constant, Wsd.", "DecayShare is 0; it must be above 0 and at most 1."],
            (Options with { Schedule = (LearningRateSchedule)7, DecayShare = 0 }).Errors());
        Assert.Single((Options with { DecayShare = float.NaN }).Errors());
        Assert.Empty((Options with { DecayShare = 1 }).Errors());
    }

    [Fact]
    public void Gradients_are_scaled_down_only_when_they_are_too_large()
    {
        Assert.Equal(1f, Options.ClipFactor(0));
        Assert.Equal(1f, Options.ClipFactor(1));
        Assert.Equal(0.25f, Options.ClipFactor(4));
        Assert.Equal(1f, (Options with { ClipNorm = 0 }).ClipFactor(1e9));
    }

    private static double Rate(int step) => step <= 3
        ? 0.02 * step / 3
        : 0.02 * (0.05 + 0.95 * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1.0, (step - 3) / 5.0))));
}
