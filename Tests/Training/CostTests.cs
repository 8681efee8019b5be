using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What a step costs besides computing: calls between grains and hosts, and managed memory.</summary>
public sealed class CostTests
{
    private const int Steps = 5;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 2, 4)]
    [InlineData(3, 2, 4)]
    [InlineData(3, 8, 64)]
    public async Task A_step_costs_the_same_calls_however_many_layers_and_experts_there_are(int silos, int layers, int experts)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
        RunConfiguration run = TrainingRuns.Small with
        {
            Model = TrainingRuns.Small.Model with { Dim = 8, Hidden = 6, Experts = [.. Enumerable.Repeat(experts, layers)] },
        };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation);
        cluster.Calls.Clear();
        for (int step = 2; step < 2 + Steps; step++)
        {
            await model.TrainStepAsync(TrainingRuns.Batch(run, step), Cancellation);
        }

        int expected = Steps * (StepProtocol.CallsPerHost * silos + StepProtocol.CallsPerStep);
        Assert.True(cluster.Calls.Commands == expected, $"{expected} calls are allowed in {Steps} steps; there were {cluster.Calls}.");
    }

    [Theory]
    [InlineData("swiglu", 0f, GateScores.Softmax, 1)]
    [InlineData("gelu", 0.7f, GateScores.Sigmoid, 2)]
    public async Task Executors_allocate_nothing_in_a_warm_step(string expert, float capacity, GateScores scores, int threads)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2], threads);
        RunConfiguration run = TrainingRuns.With(expert, new GateOptions { CapacityFactor = capacity, Scores = scores });
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);

        // The same batch from the third step on: nothing is larger than it has been. Warm is when six steps in a row allocate nothing. How soon that
        // is depends on the runtime: a method that is compiled late may take a handle table of some 20 KB, once, on whatever thread compiles it.
        List<long> allocated = [];
        while (allocated.Count < 48 && !(allocated.Count >= 12 && allocated[^6..].Sum() == 0))
        {
            StepOutcome outcome = await model.TrainStepAsync(TrainingRuns.Batch(run, Math.Min(allocated.Count + 1, 3)), Cancellation);
            allocated.Add(outcome.ExecutorAllocatedBytes);
        }

        Assert.True(allocated[^6..].Sum() == 0, $"Bytes by step: {string.Join(", ", allocated)}.");
    }
}
