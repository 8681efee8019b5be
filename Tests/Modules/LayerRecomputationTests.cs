using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>A layer that is computed twice gives what it gives when it is computed once, and nothing is counted twice.</summary>
public sealed class LayerRecomputationTests
{
    private const int Steps = 4;

    private static readonly RunConfiguration[] Runs =
    [
        TrainingRuns.With("swiglu", new GateOptions { TopK = 2, Noise = 1, Jitter = 0.1f, CapacityFactor = 0.7f, Priority = SlotPriority.Random }),
        TrainingRuns.With("gelu", new GateOptions { TopK = 3, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, Groups = 1 }),
        TrainingRuns.With("swiglu", new GateOptions { Kind = "expert-choice", CapacityFactor = 1 }),
        TrainingRuns.With("gelu", new GateOptions { Kind = "cosine", ProjectionDim = 6, Balance = BalanceLossKind.AllChoices }),
        TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { SharedExperts = 1 } },
        TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { Residual = true } },
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Runs.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Losses_parameters_and_counts_are_the_same_to_the_last_bit(int index)
    {
        // Three workers and eight micro-batches: in the last round one worker has none, and takes part all the same.
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel kept = await Create(cluster, "kept", Runs[index]);
        List<StepOutcome> expected = await StepsAsync(kept);
        foreach (string recompute in new[] { "all", "0", "1-2" })
        {
            MoEModel model = await Create(cluster, $"r{recompute}", Runs[index] with { Recompute = recompute });
            List<StepOutcome> found = await StepsAsync(model);
            foreach ((StepOutcome one, StepOutcome other) in expected.Zip(found))
            {
                Assert.Equal((one.Loss, one.Auxiliary, one.GradientNorm), (other.Loss, other.Auxiliary, other.GradientNorm));
                Assert.Equal(one.KeptTokens, other.KeptTokens);
                Assert.Equal(one.ChosenTokens, other.ChosenTokens);
            }

            Assert.Equal(await kept.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Replicas_keep_the_parts_of_their_gradients(bool reproducible)
    {
        // Parts wait for the end of the round in another memory than a layer that is computed again gives back.
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        RunConfiguration run = TrainingRuns.Small with { Reproducible = reproducible };
        int[][][] ranks = [.. run.Model.Experts.Select(experts => Enumerable.Range(0, experts).Select(expert => expert % 2 == 0 ? new[] { 0, 1, 2 } : [expert % 3]).ToArray())];
        var replicas = new PlacementRequest { Ranks = ranks };
        MoEModel kept = await cluster.Client.CreateModelAsync(cluster["kept"], run, reproducible ? null : replicas, Cancellation);
        List<StepOutcome> expected = await StepsAsync(kept);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run with { Recompute = "all" }, replicas, Cancellation);
        List<StepOutcome> found = await StepsAsync(model);
        Assert.Equal(expected.Select(step => (step.Loss, step.GradientNorm)), found.Select(step => (step.Loss, step.GradientNorm)));
        Assert.Equal(await kept.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
        Assert.All((await model.GetStatusAsync(Cancellation)).Memory, memory => Assert.Equal(0, memory.Leaked));
    }

    [Theory]
    [InlineData("all", new[] { true, true, true, true })]
    [InlineData("none", new[] { false, false, false, false })]
    [InlineData("1,3", new[] { false, true, false, true })]
    [InlineData("0-1, 3", new[] { true, true, false, true })]
    [InlineData("4", null)]
    [InlineData("2-1", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("most", null)]
    public void Layers_are_chosen_in_words(string words, bool[]? chosen)
    {
        Assert.Equal(chosen, LayerSelection.Parse(words, 4));
        RunConfiguration run = new() { Recompute = words };
        Exception? refused = Record.Exception(run.Validate);
        Assert.Equal(chosen is null, refused is not null);
        Assert.Contains(chosen is null ? $"Recompute is '{words}'" : "", refused?.Message ?? "", StringComparison.Ordinal);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Task<MoEModel> Create(TrainingCluster cluster, string name, RunConfiguration run) =>
        cluster.Client.CreateModelAsync(cluster[name], run, null, Cancellation);

    private static async Task<List<StepOutcome>> StepsAsync(MoEModel model)
    {
        List<StepOutcome> outcomes = [];
        await foreach (StepOutcome outcome in model.TrainAsync(TrainingRuns.Batches(model.Run, Steps), Cancellation))
        {
            outcomes.Add(outcome);
        }

        return outcomes;
    }
}
