using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>The bias that balances: state of the layer, moved once a step by the counts of the whole step.</summary>
public class BalanceBiasTests
{
    private static readonly GateOptions Balancing = new()
    {
        Scores = GateScores.Sigmoid,
        BiasUpdateRate = 0.25f,
        BalanceCoefficient = 0,
        TopK = 2,
    };

    [Fact]
    public void Busy_experts_lose_and_idle_ones_gain_by_the_rate()
    {
        using var run = new DecoderRun(DecoderRun.Small(Balancing));
        Parameter bias = run.Dense["layers.0.router_bias"];
        Assert.False(bias.Shape.Trained);
        run.Train(default);
        int[] counts = [.. run.Model.RoutingOf(0)!.ChosenTokens];
        Assert.Equal(counts, bias.GradientVector.AsSpan().ToArray().Select(count => (int)count));
        Assert.Equal(new float[4], bias.Vector.AsSpan().ToArray());

        run.Model.EndStep(run.Dense.Gradients);
        double mean = counts.Average();
        Assert.Equal([.. counts.Select(count => 0.25f * Math.Sign(mean - count))], bias.Vector.AsSpan().ToArray());
    }

    [Fact]
    public void Counts_of_micro_batches_add_up()
    {
        using var run = new DecoderRun(DecoderRun.Small(Balancing));
        run.Train(default);
        float[] once = run.Dense["layers.0.router_bias"].GradientVector.AsSpan().ToArray();
        run.Model.Train(run.Batch, 0.1f, 1f);
        Assert.Equal([.. once.Select(count => 2 * count)], run.Dense["layers.0.router_bias"].GradientVector.AsSpan().ToArray());
    }

    [Fact]
    public void The_optimizer_neither_moves_it_nor_counts_it_in_the_norm()
    {
        using var run = new DecoderRun(DecoderRun.Small(Balancing));
        run.Train(default);
        double norm = GradientSquares.Of(run.Device, run.Dense);
        run.Dense["layers.0.router_bias"].GradientVector.AsSpan().Fill(1000f);
        Assert.Equal(norm, GradientSquares.Of(run.Device, run.Dense));
        new Optimizer(new OptimizerOptions()).Apply(run.Device, run.Dense, run.Dense.Gradients, 1f, 1);
        Assert.Equal(new float[4], run.Dense["layers.0.router_bias"].Vector.AsSpan().ToArray());
    }

    [Fact]
    public void A_rate_of_zero_freezes_it()
    {
        using var run = new DecoderRun(DecoderRun.Small(Balancing));
        run.Train(default);
        run.Model.EndStep(run.Dense.Gradients);
        float[] before = run.Dense["layers.2.router_bias"].Vector.AsSpan().ToArray();
        run.Model.GateOf(2)!.Reconfigure(Balancing with { BiasUpdateRate = 0 });
        run.Model.EndStep(run.Dense.Gradients);
        Assert.Equal(before, run.Dense["layers.2.router_bias"].Vector.AsSpan().ToArray());
    }

    [Fact]
    public void It_balances_a_gate_that_was_not()
    {
        var gate = new GateCase(Balancing with { BiasUpdateRate = 0.02f });
        using var run = new GateRun(gate, 3);
        run.Parameter("router_bias").AsSpan().Clear();
        run.Parameter("router_bias").AsSpan()[2] = 1f;
        static double Imbalance(Routing routing) => routing.ChosenTokens.Max() / routing.ChosenTokens.Average();
        double before = Imbalance(run.Forward(gate));
        for (int step = 0; step < 80; step++)
        {
            Routing routing = run.Forward(gate);
            run.Backward(new float[routing.Rows * routing.K]);
            run.EndStep();
        }

        double after = Imbalance(run.Forward(gate));
        Assert.True(before > 2 && after < 1.5, $"max/mean went from {before:F2} to {after:F2}.");
    }
}
