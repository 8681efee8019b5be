using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Layers;

/// <summary>What a layer computes and learns does not depend on where its experts are, bit for bit.</summary>
public sealed class LayerIndependenceTests
{
    private const int Steps = 5;

    private static readonly LayerConfiguration[] Layers =
    [
        LayerBackbone.Small,
        LayerBackbone.Small with
        {
            Expert = "gelu",
            SharedExperts = 1,
            Gate = new GateOptions { TopK = 2, CapacityFactor = 1, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f },
        },
        LayerBackbone.Small with
        {
            Residual = true,
            Gate = new GateOptions { TopK = 3, CapacityFactor = 0.7f, Noise = 0.5f, Jitter = 0.1f, Priority = SlotPriority.Random },
        },
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public async Task Outputs_gradients_and_parameters_are_the_same_on_any_number_of_silos_and_through_moves(int which)
    {
        LayerTrace? expected = null;
        for (int silos = 1; silos <= 4; silos++)
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos == 4 ? [2, 1, 3, 1] : [.. Enumerable.Repeat(1, silos)]);
            ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[which], null, Cancellation);
            int ranks = (await layer.GetStatusAsync(Cancellation)).SiloNames.Length;
            LayerTrace trace = await LayerBackbone.TrainAsync(
                layer, Steps, between: step => layer.MoveExpertAsync(step % 5, 3 * step % ranks, Cancellation));
            (expected ??= trace).AssertSame(trace, $"{silos} silos");
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public async Task Experts_that_travel_to_rows_change_no_bit(int which)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2]);
        ClusterLayer still = await cluster.Client.CreateLayerAsync(cluster["still"], Layers[which], null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, Steps);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[which], Placed([[0, 1], [1], [2, 0], [1], [0, 1, 2]]), Cancellation);
        await layer.ConfigureParallelismAsync(LayerParallelism.Data, Cancellation);
        LayerTrace trace = await LayerBackbone.TrainAsync(
            layer, Steps, between: step => layer.ConfigureParallelismAsync((LayerParallelism)(step % 2), Cancellation));
        expected.AssertSame(trace, "with experts that travel");
    }

    [Theory, InlineData(0), InlineData(2)]
    public async Task Replicas_change_no_bit_and_come_and_go_between_updates(int which)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2]);
        ClusterLayer still = await cluster.Client.CreateLayerAsync(cluster["still"], Layers[which], null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, Steps);
        int[][][] placements =
        [
            [[0, 1], [1], [2, 0], [1], [0, 1, 2]],
            [[1], [1, 2, 0], [2], [0], [0]],
            [[1, 2], [0], [0, 2], [1, 0, 2], [2]],
        ];
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[which], Placed(placements[0]), Cancellation);
        LayerTrace trace = await LayerBackbone.TrainAsync(
            layer, Steps, between: step => cluster.Client.CreateLayerAsync(cluster["m"], Layers[which], Placed(placements[step % 3]), Cancellation));
        expected.AssertSame(trace, "with replicas");
    }

    [Fact]
    public async Task A_layer_goes_on_from_its_checkpoint_elsewhere()
    {
        using var folder = new TemporaryFolder();
        LayerTrace expected;
        await using (TrainingCluster cluster = await TrainingCluster.RentAsync(3))
        {
            ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[1], null, Cancellation);
            await LayerBackbone.TrainAsync(layer, 2);
            await layer.SaveAsync(folder.Path, "here", cancellationToken: Cancellation);
            expected = await LayerBackbone.TrainAsync(layer, 2);
        }

        await using TrainingCluster other = await TrainingCluster.RentAsync(2);
        ClusterLayer restored = await other.Client.RestoreLayerAsync(other["again"], folder.Path, null, Cancellation);
        Assert.Equal((2L, "here", Layers[1]), (restored.Step, restored.Cursor, restored.Configuration));
        expected.AssertSame(await LayerBackbone.TrainAsync(restored, 2), "from the checkpoint");
        Assert.Equal(4, (await other.Client.OpenLayerAsync(other["again"], Cancellation)).Step);
        Assert.False(File.Exists(Path.Combine(folder.Path, "config.json")));
        InvalidRequestException refused =
            await Assert.ThrowsAsync<InvalidRequestException>(() => other.Client.RestoreModelAsync(other["model"], folder.Path, null, Cancellation));
        Assert.Contains("OpenLayerAsync", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_holds_from_the_next_forward_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], LayerBackbone.Small, null, Cancellation);
        float[] x = LayerBackbone.Values(1, 130), y = new float[130], dx = new float[130], other = new float[130];
        await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        await layer.BackwardAsync(y, dx, Cancellation);
        ForwardOutcome two = await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        await layer.ConfigureGateAsync(gate => gate with { TopK = 1 }, Cancellation);
        await layer.BackwardAsync(y, other, Cancellation);
        Assert.Equal(dx, other);
        ForwardOutcome one = await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        ForwardOutcome evaluated = await layer.ForwardAsync(x, y, training: false, cancellationToken: Cancellation);
        Assert.Equal((26L, 13L, 13L), (two.ChosenTokens.Sum(), one.ChosenTokens.Sum(), evaluated.ChosenTokens.Sum()));
    }

    [Fact]
    public async Task An_evaluation_leaves_no_trace()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        ClusterLayer still = await cluster.Client.CreateLayerAsync(cluster["still"], Layers[2], null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, 1);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[2], null, Cancellation);

        // A forward that nothing follows, and one beside that which waits for its backward.
        float[] x = LayerBackbone.Values(1, 70), y = new float[70], again = new float[70];
        await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        float[] first = LayerBackbone.Values(101, 100), firstY = new float[100], dx = new float[100];
        await layer.ForwardAsync(first, firstY, auxiliaryScale: 0.5f, cancellationToken: Cancellation);
        await layer.ForwardAsync(x, y, training: false, cancellationToken: Cancellation);
        await layer.ForwardAsync(x, again, training: false, cancellationToken: Cancellation);
        Assert.Equal(y, again);
        await layer.BackwardAsync(firstY.Select((value, j) => (value - first[j]) / 10).ToArray(), dx, Cancellation);
        Assert.Equal(expected.Numbers[100..200], dx);
    }

    [Fact]
    public async Task Executors_allocate_nothing_in_a_warm_step()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2]);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layers[1], null, Cancellation);
        float[] x = LayerBackbone.Values(1, 300), y = new float[300];
        List<long> allocated = [];
        while (allocated.Count < 48 && !(allocated.Count >= 12 && allocated[^6..].Sum() == 0))
        {
            await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
            await layer.BackwardAsync(y, y, Cancellation);
            allocated.Add((await layer.ApplyAsync(Cancellation)).ExecutorAllocatedBytes);
        }

        Assert.True(allocated[^6..].Sum() == 0, $"Bytes by step: {string.Join(", ", allocated)}.");
    }

    private static PlacementRequest Placed(int[][] experts) => new() { Silos = ["silo-0", "silo-1"], Ranks = [experts] };
}
