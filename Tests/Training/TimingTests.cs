using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What a step says of where its time went.</summary>
public sealed class TimingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_step_tells_where_the_time_of_every_worker_went()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 2], threads: 2);
        RunConfiguration run = TrainingRuns.Small;
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        StepOutcome first = await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation);
        StepOutcome second = await model.TrainStepAsync(TrainingRuns.Batch(run, 2), Cancellation);

        Assert.Equal(3, second.Timings.Length);
        Assert.All(first.Timings, timing => Assert.Equal(0, timing.Elapsed.Update));
        Assert.InRange(second.SlowestRank, 0, 2);
        foreach (WorkerTiming timing in second.Timings)
        {
            PhaseSeconds elapsed = timing.Elapsed;
            double[] phases =
                [elapsed.Idle, elapsed.Experts, elapsed.Attention, elapsed.Gate, elapsed.Exchange, elapsed.Dense, elapsed.Gradients, elapsed.Update];
            Assert.All(phases, seconds => Assert.True(seconds > 0));
            Assert.Equal(0, timing.MixtureElapsed[1]);
            Assert.Equal(elapsed.Experts + elapsed.Gate + elapsed.Exchange, timing.MixtureElapsed.Sum(), 9);
            Assert.Equal(timing.Busy.Experts + timing.Busy.Gate + timing.Busy.Exchange, timing.MixtureBusy.Sum(), 9);
            Assert.Equal(timing.Busy.Experts + timing.Busy.Exchange, timing.ExpertsBusy.Sum(), 9);
            Assert.Equal(0, timing.Busy.Idle);
        }
    }
}
