using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Client;

/// <summary>A loop of training that ends before its batches do: the model knows what is committed.</summary>
public sealed class CancelledTrainingTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 50)]
    [InlineData(3, 50)]
    [InlineData(4, 5)]
    [InlineData(5, 5)]
    public async Task After_a_cancelled_loop_the_model_counts_what_is_committed(int cancelledAt, int steps)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        try
        {
            await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, steps), cancellation.Token))
            {
                if (step.Step == cancelledAt)
                {
                    await cancellation.CancelAsync();
                }
            }

            Assert.Equal(steps, cancelledAt);
        }
        catch (OperationCanceledException)
        {
        }

        await AssertCaughtUpAsync(model);
    }

    [Fact]
    public async Task After_a_loop_cancelled_while_it_waits_the_model_counts_what_is_committed()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        for (int round = 0; round < 5; round++)
        {
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

            // The batches end it: at that moment one step is awaited, and the next about to be submitted.
            long last = model.Step + round;
            IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Sequence(model.Step + 1, model.Step + 20, 1).Select(step =>
            {
                if (step > last)
                {
                    cancellation.Cancel();
                }

                return TrainingRuns.Batch(Run, step);
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await model.TrainAsync(batches, cancellation.Token).CountAsync(Cancellation));
            await AssertCaughtUpAsync(model);
        }
    }

    [Fact]
    public async Task After_a_loop_that_was_left_the_model_counts_the_step_ahead()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await foreach (StepOutcome _ in model.TrainAsync(TrainingRuns.Batches(Run, 9), Cancellation))
        {
            break;
        }

        await AssertCaughtUpAsync(model);
    }

    /// <summary>The checkpoint has the model's step, and the step after it can be done.</summary>
    private static async Task AssertCaughtUpAsync(MoEModel model)
    {
        long known = model.Step;
        using TemporaryFolder folder = new();
        await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
        Assert.Equal(CheckpointFolder.Open(folder.Path).Step, known);
        Assert.Equal(known + 1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, known + 1), Cancellation)).Step);
    }
}
