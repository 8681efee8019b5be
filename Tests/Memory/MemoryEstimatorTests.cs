using MoEActors.Client;
using MoEActors.Examples;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Native.Cpu;
using MoEActors.Native.DryRun;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Support;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Tests.Memory;

/// <summary>The estimate is no less than what workers allocate, and not much more.</summary>
public sealed class MemoryEstimatorTests
{
    private static readonly MicroBatchShape Shape = new(6, 64);

    private static readonly ModelConfiguration Model = new()
    {
        Vocabulary = 61,
        Dim = 48,
        Heads = 4,
        KeyValueHeads = 2,
        Hidden = 72,
        Experts = [8, 0, 12],
        MaximumSequence = Shape.Length,
    };

    private static readonly Dictionary<string, ModelConfiguration> Models = new()
    {
        ["two of each"] = Model,
        ["one"] = Model with { Gate = new GateOptions { TopK = 1 } },
        ["three with capacity"] = Model with { Gate = new GateOptions { TopK = 3, CapacityFactor = 1.1f } },
        ["short capacity"] = Model with { Gate = new GateOptions { CapacityFactor = 0.4f, Priority = SlotPriority.Score } },
        ["shared experts"] = Model with { SharedExperts = 2, Expert = "gelu" },
        ["residual"] = Model with { Residual = true },
        ["expert choice"] = Model with { Gate = new GateOptions { Kind = "expert-choice", CapacityFactor = 1 } },
        ["noisy sigmoid"] = Model with
        {
            Gate = new GateOptions { Noise = 1, Jitter = 0.1f, Balance = BalanceLossKind.LoadImportance },
        },
        ["groups"] = Model with { Gate = new GateOptions { Scores = GateScores.Sigmoid, Groups = 2, TopGroups = 1, BiasUpdateRate = 0.1f } },
        ["dense"] = Model with { Experts = [0, 0] },
    };

    public static TheoryData<string, int, string> Cases
    {
        get
        {
            TheoryData<string, int, string> cases = [];
            int index = 0;
            foreach (string name in Models.Keys)
            {
                cases.Add(name, index % 4 + 1, index % 3 == 0 ? "all" : "none");
                cases.Add(name, (index + 2) % 4 + 1, index % 3 == 1 ? "1-" + (Models[name].Layers - 1) : "none");
                index++;
            }

            return cases;
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task It_covers_what_workers_allocate_and_little_more(string name, int workers, string recompute)
    {
        RunConfiguration run = new() { Model = Models[name], MicroBatches = workers, Recompute = recompute };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(workers);
        long[] before = Allocated(cluster, workers);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        long[] opened = [.. Allocated(cluster, workers).Zip(before, (now, then) => now - then)];
        StepOutcome step = await model.TrainStepAsync(Batch(run, 1), Cancellation);
        for (int rank = 0; rank < workers; rank++)
        {
            // What the estimate assumes of the routing, it is told here.
            WorkerEstimate estimate = MemoryEstimator.Estimate(run, workers, Shape, SkewOf(step, run.Model, rank, workers)).Workers[rank];
            WorkerEstimate planned = MemoryEstimator.Estimate(run, workers, Shape).Workers[rank];
            WorkerEstimate worst = MemoryEstimator.Estimate(run, workers, Shape, MemoryEstimator.WorstSkew).Workers[rank];
            Assert.Equal(opened[rank], estimate.Phases[(int)MemoryPhase.Open]);
            Assert.Equal(opened[rank], estimate.Parameters + estimate.Gradients + estimate.DenseSums + estimate.Moments + estimate.Tables);
            long used = opened[rank] + cluster.Host(rank).ModelAt(model.Name, rank)!.ArenaPeakBytes;
            long allocated = cluster.Host(rank).AllocatedBytes - before[rank];
            Assert.InRange(estimate.Phases[(int)MemoryPhase.Backward], used, (long)(1.1 * used));

            // A routing beyond the plan costs a block or two of the arena.
            long plan = planned.Phases[(int)MemoryPhase.Backward];
            Assert.InRange(allocated, (long)(plan / 1.2), Math.Max(plan, estimate.Phases[(int)MemoryPhase.Backward] + (1 << 20)));
            Assert.InRange(estimate.Phases[(int)MemoryPhase.Forward], opened[rank], estimate.Phases[(int)MemoryPhase.Backward]);
            Assert.True(worst.BackwardArena >= estimate.BackwardArena, $"The worst routing needs {worst}, the one found {estimate}.");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replicas_and_the_parts_of_their_gradients_are_estimated(bool reproducible)
    {
        const int Workers = 3;
        RunConfiguration run = new() { Model = Model, MicroBatches = Workers, Reproducible = reproducible };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Workers);
        long[] before = Allocated(cluster, Workers);
        int[][][] ranks = [.. Model.Experts.Select(experts => Enumerable.Range(0, experts).Select(expert => expert < 2 ? new[] { 0, 1, 2 } : [expert % 3]).ToArray())];
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, new PlacementRequest { Ranks = ranks }, Cancellation);
        long[] opened = [.. Allocated(cluster, Workers).Zip(before, (now, then) => now - then)];
        await model.TrainStepAsync(Batch(run, 1), Cancellation);
        MemoryEstimate estimate = MemoryEstimator.Estimate(run, (await model.GetStatusAsync(Cancellation)).Map!, Shape);
        for (int rank = 0; rank < Workers; rank++)
        {
            long used = opened[rank] + cluster.Host(rank).ModelAt(model.Name, rank)!.ArenaPeakBytes;
            Assert.Equal(opened[rank], estimate.Workers[rank].Phases[(int)MemoryPhase.Open]);
            Assert.InRange(estimate.Workers[rank].Phases[(int)MemoryPhase.Backward], used, (long)(1.4 * used));
        }
    }

    [Theory, InlineData(2), InlineData(3)]
    public async Task Slices_of_experts_and_the_rows_that_come_to_them_are_estimated(int slices)
    {
        const int Workers = 3;
        RunConfiguration run = new() { Model = Model, MicroBatches = Workers, Reproducible = false };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Workers);
        long[] before = Allocated(cluster, Workers);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        long[] opened = [.. Allocated(cluster, Workers).Zip(before, (now, then) => now - then)];
        ParallelismOutcome outcome = await model.ConfigureParallelismAsync(ParallelismChoice.Sliced(slices), cancellationToken: Cancellation);
        await model.TrainStepAsync(Batch(run, 1), Cancellation);
        MemoryEstimate estimate = MemoryEstimator.Estimate(run, (await model.GetStatusAsync(Cancellation)).Map!, Shape, parallelism: outcome.Layers);
        for (int rank = 0; rank < Workers; rank++)
        {
            long used = opened[rank] + cluster.Host(rank).ModelAt(model.Name, rank)!.ArenaPeakBytes;
            Assert.InRange(estimate.Workers[rank].Phases[(int)MemoryPhase.Backward], used, (long)(1.4 * used));
        }
    }

    [Fact]
    public async Task A_run_with_an_expert_of_ones_own_is_not_estimated_and_not_refused()
    {
        ModelKinds kinds = ModelKinds.BuiltIn.With([new SquaredReluExpert()], []);
        RunConfiguration run = new RunConfiguration { Model = Model with { Expert = "squared-relu" }, MicroBatches = 1 }.Using(kinds);
        run.Validate();
        Assert.False(MemoryEstimator.Knows(run));
        NotSupportedException unknown = Assert.Throws<NotSupportedException>(() => MemoryEstimator.Estimate(run, 1, Shape));
        Assert.Contains("'squared-relu'", unknown.Message, StringComparison.Ordinal);

        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1], memory: 1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        Assert.Equal(1, (await model.TrainStepAsync(Batch(run, 1), Cancellation)).Step);
    }

    [Fact]
    public void Micro_batches_beyond_what_can_be_counted_are_refused()
    {
        // Its logits would have 2³¹ elements.
        BatchTooLargeException refused = Assert.Throws<BatchTooLargeException>(
            () => MemoryEstimator.Estimate(new RunConfiguration { Model = Model with { Vocabulary = 1 << 16 } }, 2, new MicroBatchShape(1 << 11, 16)));
        Assert.Contains($"A micro-batch of {1 << 11}×16 tokens is too large", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_stores_no_scores_needs_their_memory_less()
    {
        RunConfiguration run = new() { Model = Model };
        PlacementMap map = StaticPlanner.Plan(1, [new WorkerId("estimated", 0)], Model.Experts);
        long Needed(AttentionNeeds? attention) => new DryRunWorker(
            run, map, rank: 0, Shape, skew: 1, gates: [], attention is null ? null : new ImitatedDevice(attention, ElementType.F32)).ArenaBytes().Sum();

        // Of every layer what its gradient needs, and of each what that needs while it runs.
        long scores = sizeof(float) * (long)Shape.Tokens * Model.Heads * Shape.Length;
        Assert.Equal(0, scores % 64);
        Assert.Equal(2 * Model.Layers * scores, Needed(null) - Needed((in AttentionShape _, int _, int _) => default));
        using var device = new CpuDevice();
        Assert.Equal(Needed(null), Needed(device.AttentionMemory));
    }

    [Fact]
    public void Recomputation_saves_the_memory_of_all_layers_but_one()
    {
        RunConfiguration kept = new() { Model = Model with { Experts = [.. Enumerable.Repeat(8, 6)] } };
        WorkerEstimate without = MemoryEstimator.Estimate(kept, 2, Shape).Workers[0];
        WorkerEstimate half = MemoryEstimator.Estimate(kept with { Recompute = "0-2" }, 2, Shape).Workers[0];
        WorkerEstimate all = MemoryEstimator.Estimate(kept with { Recompute = "all" }, 2, Shape).Workers[0];
        Assert.True(all.BackwardArena < without.BackwardArena / 3, $"{all.BackwardArena} of {without.BackwardArena} bytes.");
        Assert.InRange(half.BackwardArena, all.BackwardArena, without.BackwardArena * 3 / 4);
        Assert.Equal(without.Phases[(int)MemoryPhase.Open], all.Phases[(int)MemoryPhase.Open]);
    }

    private static long[] Allocated(TrainingCluster cluster, int workers) =>
        [.. Enumerable.Range(0, workers).Select(rank => cluster.Host(rank).AllocatedBytes)];

    /// <summary>The busiest layer's rows at a rank over the rank's equal share.</summary>
    private static double SkewOf(StepOutcome step, ModelConfiguration model, int rank, int workers)
    {
        double skew = 0;
        foreach (int layer in model.MoELayers)
        {
            int experts = model.Experts[layer];
            int[] here = [.. Enumerable.Range(0, experts).Where(expert => StaticPlanner.RankOf(expert, experts, workers) == rank)];
            double level = Math.Min(model.Gate.Capacity(Shape.Tokens, experts), (double)Shape.Tokens * model.Gate.TopK / experts);
            double share = workers * level * here.Length;
            skew = Math.Max(skew, here.Sum(expert => step.KeptTokens[layer][expert]) / share);
        }

        return skew;
    }

    private static MicroBatch[] Batch(RunConfiguration run, long step)
    {
        var random = new Random((int)step);
        return
        [
            .. Enumerable.Range(0, run.MicroBatches).Select(_ =>
            {
                int[] tokens = [.. Enumerable.Range(0, Shape.Tokens).Select(_ => random.Next(run.Model.Vocabulary))];
                return new MicroBatch(tokens, tokens, run.Model.MaximumSequence);
            }),
        ];
    }
}
