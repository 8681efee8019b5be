using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What a step tells besides its loss, alike to the last bit on any number of silos.</summary>
public sealed class StepOutcomeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Losses_entropies_and_drops_add_up_and_do_not_depend_on_silos()
    {
        RunConfiguration run = TrainingRuns.With("swiglu", new GateOptions { TopK = 3, CapacityFactor = 0.6f, Noise = 1f, BalanceCoefficient = 0.1f });
        StepOutcome? expected = null;
        foreach (int silos in new[] { 1, 2, 3, 4 })
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
            await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation);
            StepOutcome step = await model.TrainStepAsync(TrainingRuns.Batch(run, 2), Cancellation);
            expected ??= step;

            Assert.Equal(step.Loss, step.CrossEntropy + step.Auxiliary);
            Assert.Equal(["balance", "z"], step.AuxiliaryLosses.Select(loss => loss.Name));
            Assert.Equal(step.Auxiliary, step.AuxiliaryLosses.Sum(loss => loss.Weighted), 1e-9);
            Assert.All(step.AuxiliaryLosses, loss => Assert.True(loss.Value > 0));
            Assert.Equal(expected.AuxiliaryLosses, step.AuxiliaryLosses);
            Assert.Equal(expected.RouterEntropy, step.RouterEntropy);
            Assert.Equal(0, step.RouterEntropy[1]);
            foreach (int layer in run.Model.MoELayers)
            {
                Assert.InRange(step.RouterEntropy[layer], 1e-3, Math.Log(run.Model.Experts[layer]));
                Assert.True(step.DroppedTokens[layer].Sum() > 0, $"Layer {layer} dropped nothing.");
                Assert.Equal(step.ChosenTokens[layer].Sum(), step.KeptTokens[layer].Sum() + step.DroppedTokens[layer].Sum());
            }

            Assert.Equal(step.Tokens / step.Seconds, step.TokensPerSecond);
        }
    }

    [Fact]
    public async Task Expert_choice_has_no_balance_loss()
    {
        RunConfiguration run = TrainingRuns.With("swiglu", new GateOptions { Kind = "expert-choice", CapacityFactor = 1 });
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        StepOutcome step = await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation);
        Assert.Equal("z", Assert.Single(step.AuxiliaryLosses).Name);
    }
}
