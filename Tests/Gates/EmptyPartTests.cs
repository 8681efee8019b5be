using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Layers;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>Auxiliary losses are means over the micro-batches that have tokens: those without have no say, neither in the loss nor in a gradient.</summary>
public sealed class EmptyPartTests
{
    private static readonly MicroBatch[] Empty =
    [
        new([], [], 1),
        new([-1, -1, -1, -1], [-1, -1, -1, -1], 2),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static GateOptions Gate(BalanceLossKind balance, GateScores scores) => new()
    {
        TopK = 2,
        Balance = balance,
        Scores = scores,
        Noise = balance == BalanceLossKind.LoadImportance ? 1 : 0,
        BalanceCoefficient = 0.5f,
        ZCoefficient = 0.25f,
    };

    [Theory]
    [InlineData(BalanceLossKind.FirstChoice, GateScores.Softmax)]
    [InlineData(BalanceLossKind.AllChoices, GateScores.Sigmoid)]
    [InlineData(BalanceLossKind.LoadImportance, GateScores.Softmax)]
    public async Task A_model_learns_the_same_beside_empty_micro_batches(BalanceLossKind balance, GateScores scores)
    {
        RunConfiguration run = TrainingRuns.With("swiglu", Gate(balance, scores)) with { MicroBatches = 2 };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel alone = await cluster.Client.CreateModelAsync(cluster["alone"], run, null, Cancellation);
        MoEModel beside = await cluster.Client.CreateModelAsync(cluster["beside"], run with { MicroBatches = 5 }, null, Cancellation);
        for (int step = 1; step <= 3; step++)
        {
            // Numbers that are drawn depend on a micro-batch's place, so the empty ones come last.
            MicroBatch[] batch = [.. TrainingRuns.Batch(TrainingRuns.Small, step).Where(part => part.TargetCount > 0).Take(2)];
            StepOutcome one = await alone.TrainStepAsync(batch, Cancellation);
            StepOutcome other = await beside.TrainStepAsync([.. batch, Empty[0], Empty[1], Empty[0]], Cancellation);
            Assert.True(one.Auxiliary > 0);
            Assert.Equal((one.Loss, one.Auxiliary, one.GradientNorm), (other.Loss, other.Auxiliary, other.GradientNorm));
            Assert.Equal(one.AuxiliaryLosses, other.AuxiliaryLosses);
            Assert.Equal(other.Auxiliary, other.AuxiliaryLosses.Sum(loss => loss.Weighted), 1e-9);
            LayerGateStatus gate = await beside.GetGateStatusAsync(0, Cancellation);
            Assert.Equal((await alone.GetGateStatusAsync(0, Cancellation)).AuxiliaryLosses, gate.AuxiliaryLosses);
        }

        Assert.Equal(await alone.FingerprintAsync(Cancellation), await beside.FingerprintAsync(Cancellation));
    }

    [Fact]
    public async Task Empty_micro_batches_in_front_and_between_change_nothing_either()
    {
        RunConfiguration run = TrainingRuns.With("gelu", Gate(BalanceLossKind.FirstChoice, GateScores.Softmax)) with { MicroBatches = 2 };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel alone = await cluster.Client.CreateModelAsync(cluster["alone"], run, null, Cancellation);
        MoEModel beside = await cluster.Client.CreateModelAsync(cluster["beside"], run with { MicroBatches = 4 }, null, Cancellation);
        MicroBatch[] batch = [.. TrainingRuns.Batch(TrainingRuns.Small, 1).Where(part => part.TargetCount > 0).Take(2)];
        StepOutcome one = await alone.TrainStepAsync(batch, Cancellation);
        StepOutcome other = await beside.TrainStepAsync([Empty[1], batch[0], Empty[0], batch[1]], Cancellation);
        Assert.Equal((one.Loss, one.Auxiliary, one.GradientNorm), (other.Loss, other.Auxiliary, other.GradientNorm));
        Assert.Equal(await alone.FingerprintAsync(Cancellation), await beside.FingerprintAsync(Cancellation));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(7, 7)]
    public async Task A_layer_with_fewer_rows_than_parts_has_as_many_parts_as_rows(int rows, int parts)
    {
        LayerConfiguration many = LayerBackbone.Small with { MicroBatches = 8, Gate = Gate(BalanceLossKind.FirstChoice, GateScores.Softmax) };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        (ForwardOutcome Forward, ForwardOutcome Evaluation, float[] Dx, StepOutcome Step, ulong Hash) expected =
            await RunAsync(cluster, "few", many with { MicroBatches = parts }, rows);
        (ForwardOutcome Forward, ForwardOutcome Evaluation, float[] Dx, StepOutcome Step, ulong Hash) found = await RunAsync(cluster, "many", many, rows);
        Assert.True(expected.Forward.Auxiliary > 0);
        Assert.Equal(expected.Forward.Auxiliary, found.Forward.Auxiliary);
        Assert.Equal(expected.Evaluation.Auxiliary, found.Evaluation.Auxiliary);
        Assert.Equal(expected.Dx, found.Dx);
        Assert.Equal((expected.Step.Auxiliary, expected.Step.GradientNorm), (found.Step.Auxiliary, found.Step.GradientNorm));
        Assert.Equal(expected.Step.AuxiliaryLosses, found.Step.AuxiliaryLosses);
        Assert.Equal(expected.Hash, found.Hash);
    }

    private static async Task<(ForwardOutcome Forward, ForwardOutcome Evaluation, float[] Dx, StepOutcome Step, ulong Hash)> RunAsync(
        TrainingCluster cluster, string name, LayerConfiguration configuration, int rows)
    {
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster[name], configuration, null, Cancellation);
        float[] x = LayerBackbone.Values(rows, rows * configuration.Dim), y = new float[x.Length], dx = new float[x.Length];
        ForwardOutcome evaluation = await layer.ForwardAsync(x, y, training: false, cancellationToken: Cancellation);
        ForwardOutcome forward = await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        await layer.BackwardAsync(LayerBackbone.Values(-rows, x.Length), dx, Cancellation);
        StepOutcome step = await layer.ApplyAsync(Cancellation);
        return (forward, evaluation, dx, step, await layer.FingerprintAsync(Cancellation));
    }
}
