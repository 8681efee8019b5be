using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What travels is chosen by what steps take, and no bit of a result knows.</summary>
public sealed class ParallelismTuningTests
{
    private const int Steps = 24;

    private static readonly RunConfiguration Run = TrainingRuns.With("swiglu", new GateOptions { TopK = 2 });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_tries_what_may_be_faster_says_why_it_chose_and_what_it_learnt_outlives_a_death_and_a_checkpoint()
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        ParallelismOutcome outcome = await model.TuneParallelismAsync(cancellationToken: Cancellation);
        Assert.Equal([0, 2], outcome.TunedLayers);
        HashSet<LayerParallelism> seen = [];
        for (int step = 1; step <= Steps; step++)
        {
            await model.TrainStepAsync(TrainingRuns.Batch(Run, step), Cancellation);
            TrainingStatus status = await model.GetStatusAsync(Cancellation);
            seen.UnionWith([status.Parallelism[0].Travels, status.Parallelism[2].Travels]);
            Assert.Equal(ParallelismChoice.ExpertParallel, status.Parallelism[1]);
        }

        Assert.True(seen.Count > 1, $"Only {string.Join(", ", seen)} was tried.");
        LayerTuning[] tuning = (await model.GetStatusAsync(Cancellation)).Tuning;
        Assert.Equal([0, 2], tuning.Select(one => one.Layer));
        Assert.All(tuning, one => Assert.Matches(@"^Capacity [0-9,]+ to [0-9,]+: r = .* ms measured \([0-9]+ times\)", one.Reason));

        await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
        MoEModel restored = await cluster.Client.RestoreModelAsync(cluster["again"], folder.Path, null, Cancellation);
        await restored.TrainStepAsync(TrainingRuns.Batch(Run, Steps + 1), Cancellation);
        Assert.All((await restored.GetStatusAsync(Cancellation)).Tuning, one => Assert.Matches(@"measured \(([4-9]|[0-9]{2,}) times\)", one.Reason));

        await cluster.KillAsync(cluster.Silos.Silos[1]);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, Steps + 1), Cancellation);
        TrainingTrace undisturbed = await TrainingTrace.UndisturbedAsync(Run, Steps + 1);
        Assert.Equal((undisturbed.Fingerprint, undisturbed.Fingerprint), (await model.FingerprintAsync(Cancellation), await restored.FingerprintAsync(Cancellation)));

        await model.ConfigureParallelismAsync(LayerParallelism.Expert, 0, Cancellation);
        Assert.Equal([2], (await model.GetStatusAsync(Cancellation)).Tuning.Select(one => one.Layer));
    }

    [Fact]
    public async Task Slices_and_the_hierarchical_exchange_are_tried_where_the_run_and_its_workers_allow_them()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([2, 2]);
        ModelConfiguration few = Run.Model with { Experts = [2, 0, 2] };
        MoEModel free = await cluster.Client.CreateModelAsync(cluster["free"], Run with { Model = few, Reproducible = false }, null, Cancellation);
        MoEModel bound = await cluster.Client.CreateModelAsync(cluster["bound"], Run with { Model = few }, null, Cancellation);
        HashSet<ParallelismChoice> seen = await TuneAsync(free), same = await TuneAsync(bound);
        Assert.Contains(seen, choice => choice.Slices == 2);
        Assert.DoesNotContain(seen, choice => choice.Slices > 2);
        Assert.Contains(seen.Concat(same), choice => choice.Exchange == AllToAll.Hierarchical);
        Assert.DoesNotContain(same, choice => choice.Slices > 1);
    }

    [Fact]
    public async Task What_cannot_be_tuned_is_refused()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        InvalidRequestException dense = await Assert.ThrowsAsync<InvalidRequestException>(() => model.TuneParallelismAsync(1, Cancellation));
        Assert.Contains("Layer 1 has no experts", dense.Message, StringComparison.Ordinal);
        Assert.Empty((await model.GetStatusAsync(Cancellation)).Tuning);
    }

    /// <summary>What has travelled in the layers of a model while it was tuned.</summary>
    private static async Task<HashSet<ParallelismChoice>> TuneAsync(MoEModel model)
    {
        await model.TuneParallelismAsync(cancellationToken: Cancellation);
        HashSet<ParallelismChoice> seen = [];
        for (int step = 1; step <= Steps; step++)
        {
            await model.TrainStepAsync(TrainingRuns.Batch(Run, step), Cancellation);
            TrainingStatus status = await model.GetStatusAsync(Cancellation);
            seen.UnionWith([status.Parallelism[0], status.Parallelism[2]]);
        }

        return seen;
    }
}
