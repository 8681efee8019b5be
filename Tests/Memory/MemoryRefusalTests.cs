using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Tests.Support;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Tests.Memory;

/// <summary>What does not fit is refused before anything is allocated, with words on what would.</summary>
public sealed class MemoryRefusalTests
{
    private const int Length = 32;

    private static readonly RunConfiguration Run = new()
    {
        Model = new ModelConfiguration { Vocabulary = 61, Dim = 32, Heads = 2, KeyValueHeads = 1, Hidden = 48, Experts = [8, 8, 8], MaximumSequence = Length },
        MicroBatches = 2,
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_that_does_not_fit_is_refused_and_its_name_is_free_for_one_that_does()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: Needs(Run, 2, 1, MemoryPhase.Backward) - 1);
        await cluster.ClearAsync();
        MemoryRefusedException refused = await Assert.ThrowsAsync<MemoryRefusedException>(() => CreateAsync(cluster, Run));
        Assert.Equal((0, MemoryPhase.Backward), (refused.Rank, refused.Phase));
        Assert.Equal(refused.AvailableBytes + 1, refused.NeededBytes);
        Assert.Contains("rank 0", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Recompute = \"all\"", refused.Message, StringComparison.Ordinal);
        Assert.Contains("4 workers", refused.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (cluster.Host(0).AllocatedBytes, cluster.Host(1).AllocatedBytes));

        MoEModel model = await CreateAsync(cluster, Run with { Recompute = "all" });
        await model.TrainStepAsync(Batch(2, 1), Cancellation);
        Assert.All((await model.GetStatusAsync(Cancellation)).Memory, memory => Assert.InRange(memory.Used, 1, memory.Budget));
    }

    [Fact]
    public async Task A_micro_batch_that_does_not_fit_is_refused_with_the_split_that_does()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: Needs(Run, 2, 3, MemoryPhase.Backward));
        await cluster.ClearAsync();
        MoEModel model = await CreateAsync(cluster, Run);
        await model.TrainStepAsync(Batch(2, 3), Cancellation);
        MemoryRefusedException refused = await Assert.ThrowsAsync<MemoryRefusedException>(() => model.TrainStepAsync(Batch(2, 8), Cancellation));
        Assert.Contains($"at most 3×{Length} tokens (split each into 3)", refused.Message, StringComparison.Ordinal);
        StepOutcome next = await model.TrainStepAsync(Batch(2, 3), Cancellation);
        Assert.Equal(2, next.Step);
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Fact]
    public async Task A_move_or_a_restore_to_a_worker_without_the_memory_is_refused_and_training_goes_on()
    {
        string folder = Directory.CreateTempSubdirectory("moe-memory-").FullName;
        try
        {
            long memory = Needs(Run, 2, 1, MemoryPhase.Transfer) + 400_000;
            await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: memory);
            await cluster.ClearAsync();
            MoEModel model = await CreateAsync(cluster, Run);
            await model.TrainStepAsync(Batch(2, 1), Cancellation);
            int moved = 0;
            MemoryRefusedException refused = await Assert.ThrowsAsync<MemoryRefusedException>(async () =>
            {
                for (; moved < 12; moved++)
                {
                    await model.MoveExpertAsync(moved / 4, moved % 4, 1, Cancellation);
                }
            });
            Assert.InRange(moved, 1, 11);
            Assert.Equal(1, refused.Rank);
            Assert.Equal(1 + moved, (await model.GetStatusAsync(Cancellation)).View);
            Assert.Equal(2, (await model.TrainStepAsync(Batch(2, 1), Cancellation)).Step);
            await model.SaveAsync(folder, cancellationToken: Cancellation);
            refused = await Assert.ThrowsAsync<MemoryRefusedException>(() =>
                cluster.Client.RestoreModelAsync(cluster["restored"], folder, new PlacementRequest { Silos = ["silo-0"] }, Cancellation));
            Assert.True(refused.AvailableBytes < memory, "What another model has is not available.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_plan_that_does_not_fit_is_refused_and_one_that_does_is_taken()
    {
        long memory = Needs(Run, 2, 1, MemoryPhase.Transfer) + 400_000;
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: memory);
        await cluster.ClearAsync();
        MoEModel model = await CreateAsync(cluster, Run);
        await model.TrainStepAsync(Batch(2, 1), Cancellation);
        ITrainingProtocol grain = cluster.Silos.Client.GetGrain<ITrainingProtocol>(cluster["m"]);
        int[][] crowded = [.. Enumerable.Repeat(new[] { 1 }, 8)];
        PlanProposal proposal = new(1, 1, [.. Enumerable.Range(0, 3).Select(layer => new LayerProposal(layer, crowded))], long.MaxValue);
        ProposalAnswer refused = await grain.ProposeAsync(proposal);
        Assert.Contains("rank 1", refused.Refusal, StringComparison.Ordinal);
        Assert.Equal(2, (await model.TrainStepAsync(Batch(2, 1), Cancellation)).Step);
    }

    [Fact]
    public async Task An_evaluation_that_does_not_fit_is_refused_and_one_larger_than_a_step_may_fit()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], memory: Needs(Run, 2, 3, MemoryPhase.Backward));
        await cluster.ClearAsync();
        MoEModel model = await CreateAsync(cluster, Run);
        await model.EvaluateAsync(Batch(2, 4), Cancellation);
        MemoryRefusedException refused = await Assert.ThrowsAsync<MemoryRefusedException>(() => model.EvaluateAsync(Batch(2, 64), Cancellation));
        Assert.Equal(MemoryPhase.Forward, refused.Phase);
        Assert.Equal(1, (await model.TrainStepAsync(Batch(2, 3), Cancellation)).Step);
        Assert.All((await model.GetStatusAsync(Cancellation)).Memory, memory => Assert.InRange(memory.Used, 1, memory.Budget));
    }

    private static Task<MoEModel> CreateAsync(TrainingCluster cluster, RunConfiguration run) => cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);

    private static long Needs(RunConfiguration run, int workers, int sequences, MemoryPhase phase) =>
        MemoryEstimator.Estimate(run, workers, new MicroBatchShape(sequences, Length)).Workers[0].Phases[(int)phase];

    private static MicroBatch[] Batch(int microBatches, int sequences) =>
    [
        .. Enumerable.Range(0, microBatches).Select(index =>
        {
            int[] tokens = [.. Enumerable.Range(0, sequences * Length).Select(i => (i * 7 + index) % 61)];
            return new MicroBatch(tokens, tokens, Length);
        }),
    ];
}
