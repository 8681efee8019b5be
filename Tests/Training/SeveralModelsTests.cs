using System.Globalization;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Models that share a cluster: their collectives never wait for each other, and each result is as if the model were alone.</summary>
public sealed class SeveralModelsTests
{
    private const int Silos = 4;

    /// <summary>Steps of each model; MOE_MODEL_STEPS for a longer run.</summary>
    private static readonly int Steps =
        int.TryParse(Environment.GetEnvironmentVariable("MOE_MODEL_STEPS"), CultureInfo.InvariantCulture, out int steps) ? steps : 60;

    /// <summary>Steps from which on shares of time are looked at.</summary>
    private const int LongRun = 400;

    private static readonly RunConfiguration First = TrainingRuns.Small;
    private static readonly RunConfiguration Second = TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { Seed = 11 } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_that_train_at_once_give_the_bits_of_each_alone_and_none_starves()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        TrainingTrace firstAlone = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["first-alone"], First, null, Cancellation), Steps);
        TrainingTrace secondAlone = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["second-alone"], Second, null, Cancellation), Steps);

        MoEModel first = await cluster.Client.CreateModelAsync(cluster["first"], First, null, Cancellation);
        MoEModel second = await cluster.Client.CreateModelAsync(cluster["second"], Second, null, Cancellation);
        await second.SetDirectorAsync(new DirectorSettings { Every = 1, CoolDownSteps = 0, HorizonSteps = 1_000_000 }, Cancellation);
        Task<TrainingTrace> firstBeside = TrainingTrace.OfAsync(first, Steps);
        Task<TrainingTrace> secondBeside = TrainingTrace.OfAsync(second, Steps);
        Task<TrainingTrace> faster = await Task.WhenAny(firstBeside, secondBeside);
        TrainingStatus slower = await (faster == firstBeside ? second : first).GetStatusAsync(Cancellation);

        firstAlone.AssertSame(await firstBeside, "the first beside the second");
        secondAlone.AssertSame(await secondBeside, "the second beside the first, under a director");
        Assert.NotEmpty((await second.GetDirectorAsync(Cancellation)).Decisions);

        // Equal steps: whoever has had a third of the cluster's time has made half as many. A few steps of a second in all say nothing.
        Assert.True(Steps < LongRun || slower.Step >= Steps / 2, $"While one model made {Steps} steps, the other made {slower.Step}.");
    }

    [Fact]
    public async Task Five_open_train_move_and_save_at_once()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(Silos);
        TrainingTrace alone = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["alone"], First, null, Cancellation), 6);
        using var folder = new TemporaryFolder();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async number =>
        {
            MoEModel model = await cluster.Client.CreateModelAsync(cluster[$"model-{number}"], First, null, Cancellation);
            TrainingTrace begin = await TrainingTrace.OfAsync(model, 3);
            await model.MoveExpertAsync(2, number, (number + 1) % Silos, Cancellation);
            await model.SaveAsync(Path.Combine(folder.Path, $"{number}"), cancellationToken: Cancellation);
            TrainingTrace end = await TrainingTrace.OfAsync(model, 3);
            alone.AssertSame(
                new TrainingTrace([.. begin.Losses, .. end.Losses], [.. begin.Norms, .. end.Norms], end.Fingerprint), $"model {number} of five");
        }));
    }
}
