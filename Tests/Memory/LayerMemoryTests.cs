using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Tests.Support;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Tests.Memory;

/// <summary>A layer without a backbone is estimated, counted and refused as a model is.</summary>
public sealed class LayerMemoryTests
{
    private const int Workers = 2;

    private const int Rows = 256;

    private static readonly LayerConfiguration Layer = new() { Dim = 32, Hidden = 48, Experts = 8, MicroBatches = 4 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Passes_take_what_was_estimated_and_leave_nothing_behind()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Workers);
        await cluster.ClearAsync();
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], Layer, null, Cancellation);
        long[] opened = [.. Enumerable.Range(0, Workers).Select(rank => cluster.Host(rank).AllocatedBytes)];
        WorkerMemory[] first = await PassAsync(layer, Rows);
        MemoryEstimate estimate = MemoryEstimator.Estimate(Layer.ToRun(), Workers, new MicroBatchShape(Rows / Layer.MicroBatches, 1), skew: 1.5);
        for (int rank = 0; rank < Workers; rank++)
        {
            IReadOnlyList<long> phases = estimate.Workers[rank].Phases;
            long used = opened[rank] + first[rank].ArenaPeak;
            Assert.Equal(opened[rank], phases[(int)MemoryPhase.Open]);
            Assert.InRange(phases[(int)MemoryPhase.Backward], used, (long)(1.5 * used));
            Assert.InRange(phases[(int)MemoryPhase.Forward], opened[rank] + 1, phases[(int)MemoryPhase.Backward] - 1);
        }

        // Arenas that grew become one block with the next pass; from then on nothing changes.
        WorkerMemory[] second = await PassAsync(layer, Rows);
        Assert.All(first.Zip(second), pair => Assert.InRange(pair.Second.Used, 1, pair.First.Used));
        Assert.Equal(second.Select(memory => memory.Used), (await PassAsync(layer, Rows)).Select(memory => memory.Used));
        Assert.All(first, memory => Assert.Equal((0, memory.Used), (memory.Leaked, memory.Model)));
    }

    [Fact]
    public async Task Rows_that_do_not_fit_are_refused_and_fewer_go_on()
    {
        MemoryEstimate estimate = MemoryEstimator.Estimate(Layer.ToRun(), Workers, new MicroBatchShape(Rows / Layer.MicroBatches, 1));
        long memory = estimate.Workers.Max(worker => worker.Phases[(int)MemoryPhase.Backward]);
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: memory);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync("m", Layer, null, Cancellation);
        MemoryRefusedException refused = await Assert.ThrowsAsync<MemoryRefusedException>(() => PassAsync(layer, 4 * Rows));
        Assert.Contains($"at most {Rows / Layer.MicroBatches}×1 tokens", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(RunConfiguration.Recompute), refused.Message, StringComparison.Ordinal);
        await PassAsync(layer, Rows);
    }

    [Fact]
    public void Its_activations_are_not_computed_again()
    {
        ModelConfigurationException refused = Assert.Throws<ModelConfigurationException>((Layer.ToRun() with { Recompute = "all" }).Validate);
        Assert.Contains("a layer without a backbone", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<WorkerMemory[]> PassAsync(ClusterLayer layer, int rows)
    {
        float[] x = [.. Enumerable.Range(0, rows * Layer.Dim).Select(i => MathF.Sin(i))];
        float[] y = new float[x.Length];
        await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        await layer.ForwardAsync(x, y, training: false, cancellationToken: Cancellation);
        await layer.BackwardAsync(y, x, Cancellation);
        await layer.ApplyAsync(Cancellation);
        return (await layer.GetStatusAsync(Cancellation)).Memory;
    }
}
