using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Gates;

/// <summary>A policy is replaced between two steps; the layer stays.</summary>
public class ReconfigurationTests
{
    [Fact]
    public void A_gate_that_was_reconfigured_decides_like_one_that_was_built_so()
    {
        GateOptions[] policies =
        [
            new() { TopK = 1 },
            new() { TopK = 4, CapacityFactor = 0.5f, Priority = SlotPriority.Score },
            new() { TopK = 2, Noise = 3f, Balance = BalanceLossKind.LoadImportance, BalanceCoefficient = 0.2f },
            new() { TopK = 3, CapacityFactor = -2, Priority = SlotPriority.Random, Jitter = 0.1f, ZCoefficient = 0 },
            new() { TopK = 2, Groups = 2, TopGroups = 1, RoutedScale = 2 },
        ];
        using var changed = new DecoderRun(DecoderRun.Small(new GateOptions()));
        foreach (GateOptions policy in policies)
        {
            using var built = new DecoderRun(DecoderRun.Small(policy));
            foreach (int layer in new[] { 0, 2 })
            {
                changed.Model.GateOf(layer)!.Reconfigure(policy);
            }

            Assert.Equal(built.Train(new MicroBatchPlace(5, 1)), changed.Train(new MicroBatchPlace(5, 1)));
            Assert.Equal(built.Dense.Gradients.AsSpan().ToArray(), changed.Dense.Gradients.AsSpan().ToArray());
            Assert.Equal(policy.TopK, changed.Model.RoutingOf(0)!.K);
        }
    }

    [Fact]
    public void Layers_are_changed_one_by_one()
    {
        using var run = new DecoderRun(DecoderRun.Small(new GateOptions()));
        run.Model.GateOf(2)!.Reconfigure(new GateOptions { TopK = 5 });
        run.Train(default);
        Assert.Equal(2, run.Model.RoutingOf(0)!.K);
        Assert.Equal(5, run.Model.RoutingOf(2)!.K);
        Assert.Null(run.Model.GateOf(1));
    }

    [Fact]
    public void A_policy_that_cannot_work_is_refused_with_every_error_and_the_old_one_stays()
    {
        using var run = new DecoderRun(DecoderRun.Small(new GateOptions()));
        IGate gate = run.Model.GateOf(0)!;
        ArgumentException refused = Assert.Throws<ArgumentException>(() => gate.Reconfigure(new GateOptions
        {
            Kind = "cosine",
            Scores = GateScores.Sigmoid,
            ProjectionDim = 3,
            TopK = 9,
            Noise = -1,
        }));
        foreach (string name in new[] { "Kind", "Scores", "ProjectionDim", "TopK", "Noise" })
        {
            Assert.Contains($"{name} is ", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(new GateOptions(), gate.Options);
    }

    [Fact]
    public void Coefficients_take_effect_in_loss_and_gradient()
    {
        using var run = new DecoderRun(DecoderRun.Small(new GateOptions { BalanceCoefficient = 0, ZCoefficient = 0 }));
        Assert.Equal(0, run.Train(default).Auxiliary);
        float[] without = run.Dense["layers.0.router"].GradientVector.AsSpan().ToArray();
        run.Model.GateOf(0)!.Reconfigure(new GateOptions { BalanceCoefficient = 0.5f, ZCoefficient = 0.25f });
        double auxiliary = run.Train(default).Auxiliary;
        Routing routing = run.Model.RoutingOf(0)!;
        Assert.Equal(0.5 * routing.BalanceLoss + 0.25 * routing.ZLoss, auxiliary, 1e-12);
        Assert.NotEqual(without, run.Dense["layers.0.router"].GradientVector.AsSpan().ToArray());
    }

    [Fact]
    public void Nothing_is_allocated_once_warm_even_when_k_changes()
    {
        GateOptions[] policies = [new() { TopK = 3, CapacityFactor = 0.5f, Priority = SlotPriority.Score }, new() { TopK = 1, Noise = 1f, Jitter = 0.1f }];
        using var run = new DecoderRun(DecoderRun.Small(policies[0]));
        long least = long.MaxValue;
        for (int round = 0; round < 6; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run.Train(new MicroBatchPlace(round, 0));
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            run.Model.GateOf(0)!.Reconfigure(policies[(round + 1) % 2]);
        }

        Assert.Equal(0, least);
    }
}
