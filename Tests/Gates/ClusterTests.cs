using MoEActors.Client;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>Gates on a cluster: whole steps, micro-batches without tokens among them, through grains and commits.</summary>
public class ClusterTests
{
    private const int Steps = 8;

    private static readonly GateOptions Everything = new()
    {
        Scores = GateScores.Sigmoid,
        TopK = 3,
        BiasUpdateRate = 0.05f,
        CapacityFactor = 0.6f,
        Priority = SlotPriority.Random,
        Noise = 1f,
        Jitter = 0.05f,
        RoutedScale = 1.5f,
        Balance = BalanceLossKind.AllChoices,
    };

    public static TheoryData<string> Runs => [.. All.Keys];

    private static Dictionary<string, RunConfiguration> All { get; } = new()
    {
        ["bias, noise and shared experts"] = With("swiglu", Everything, shared: 1),
        ["cosine, load and importance, residual"] = With(
            "gelu", new GateOptions { Kind = "cosine", ProjectionDim = 7, Noise = 1, Balance = BalanceLossKind.LoadImportance }, residual: true),
        ["a drawn second choice"] = With("swiglu", new GateOptions { TopK = 3, SecondChoiceNoise = 1, CapacityFactor = 0.8f }),
        ["expert choice"] = With("swiglu", new GateOptions { Kind = "expert-choice", CapacityFactor = 1.3f }),
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Training_is_the_same_on_one_silo_and_on_three(string name)
    {
        TrainingTrace? expected = null;
        foreach (int silos in new[] { 1, 3 })
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], All[name], null, TestContext.Current.CancellationToken);
            TrainingTrace trace = await TrainingTrace.OfAsync(model, Steps);
            (expected ??= trace).AssertSame(trace, $"{silos} silos");
        }
    }

    [Fact]
    public async Task A_committed_step_moves_the_bias()
    {
        // The rate is in nothing but the bias: after the same losses, only that can differ.
        RunConfiguration frozen = With("swiglu", Everything with { BiasUpdateRate = 0 });
        RunConfiguration moving = With("swiglu", Everything);
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace one = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["a"], frozen, null, TestContext.Current.CancellationToken), 1);
        TrainingTrace other = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["b"], moving, null, TestContext.Current.CancellationToken), 1);
        Assert.Equal(one.Losses, other.Losses);
        Assert.NotEqual(one.Fingerprint, other.Fingerprint);
    }

    private static RunConfiguration With(string expert, GateOptions gate, int shared = 0, bool residual = false)
    {
        RunConfiguration run = TrainingRuns.With(expert, gate);
        return run with { Model = run.Model with { SharedExperts = shared, Residual = residual } };
    }
}
