using System.Collections.Concurrent;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Two clients that train one model at once: every batch is learnt once or refused, and whoever sent it knows which.</summary>
public sealed class TwoClientsTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_comes_second_is_told_and_nothing_is_learnt_from_its_batch()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel undisturbed = await cluster.Client.CreateModelAsync(cluster["other"], Run, null, Cancellation);
        MoEModel first = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        MoEModel second = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        await undisturbed.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        await first.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);

        await Assert.ThrowsAsync<StepTakenException>(() => second.TrainStepAsync(TrainingRuns.Batch(Run, 7), Cancellation));
        Assert.Equal(await undisturbed.FingerprintAsync(Cancellation), await first.FingerprintAsync(Cancellation));

        // The same batch for the same step is that step, sent again.
        Assert.Equal(1, (await second.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
        Assert.Equal(await undisturbed.FingerprintAsync(Cancellation), await second.FingerprintAsync(Cancellation));

        // One that is far behind, by more steps than are remembered, hears the same.
        MoEModel asleep = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        await TrainingTrace.OfAsync(first, 66);
        StaleCommandException refused = await Assert.ThrowsAsync<StaleCommandException>(() => asleep.TrainStepAsync(TrainingRuns.Batch(Run, 9), Cancellation));
        Assert.Contains("Refresh the model", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_that_open_again_when_refused_learn_from_every_batch_once()
    {
        const int Clients = 3, Each = 4;
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        ConcurrentDictionary<long, (int Batch, double Loss)> learnt = [];
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            MoEModel model = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
            for (int batch = client * Each + 1; batch <= (client + 1) * Each;)
            {
                try
                {
                    StepOutcome outcome = await model.TrainStepAsync(TrainingRuns.Batch(Run, batch), Cancellation);
                    Assert.True(learnt.TryAdd(outcome.Step, (batch++, outcome.Loss)));
                }
                catch (Exception e) when (e is StepTakenException or StaleCommandException)
                {
                    await model.RefreshAsync(Cancellation);
                }
            }
        }));

        Assert.Equal(Enumerable.Range(1, Clients * Each).Select(step => (long)step), learnt.Keys.Order());
        MoEModel alone = await cluster.Client.CreateModelAsync(cluster["alone"], Run, null, Cancellation);
        foreach ((int batch, double loss) in learnt.OrderBy(one => one.Key).Select(one => one.Value))
        {
            Assert.Equal(loss, (await alone.TrainStepAsync(TrainingRuns.Batch(Run, batch), Cancellation)).Loss);
        }

        MoEModel model = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        Assert.Equal(await alone.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
    }

    [Fact]
    public async Task Of_two_streams_every_step_belongs_to_one()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel first = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        MoEModel second = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        List<long>[] steps = await Task.WhenAll(StreamAsync(first, 0), StreamAsync(second, 100));

        long[] all = [.. steps.SelectMany(one => one).Order()];
        Assert.Equal(all.Distinct(), all);
        MoEModel after = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        Assert.InRange(after.Step, all.Length, all.Length + 2);
        await after.TrainStepAsync(TrainingRuns.Batch(Run, 5), Cancellation);

        async Task<List<long>> StreamAsync(MoEModel model, int from)
        {
            List<long> done = [];
            try
            {
                await foreach (StepOutcome outcome in model.TrainAsync(Enumerable.Range(from, 6).Select(step => TrainingRuns.Batch(Run, step)), Cancellation))
                {
                    done.Add(outcome.Step);
                }
            }
            catch (Exception e) when (e is StepTakenException or StaleCommandException)
            {
                // The other stream has the step.
            }

            return done;
        }
    }
}
