using System.Runtime.CompilerServices;
using System.Text;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Client;

/// <summary>Batches that come from elsewhere, and text that goes out as text.</summary>
public class StreamTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_may_come_one_by_one_from_elsewhere()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel plain = await cluster.Client.CreateModelAsync(cluster["plain"], Run, cancellationToken: Cancellation);
        MoEModel streamed = await cluster.Client.CreateModelAsync(cluster["streamed"], Run, cancellationToken: Cancellation);
        double[] expected = await plain.TrainAsync(TrainingRuns.Batches(Run, 5), Cancellation).Select(step => step.Loss).ToArrayAsync(Cancellation);
        double[] actual = await streamed.TrainAsync(FromElsewhereAsync(steps: 5, cancellationToken: Cancellation), Cancellation).Select(step => step.Loss).ToArrayAsync(Cancellation);
        Assert.Equal(expected, actual);
        Assert.Equal(5, streamed.Step);
    }

    [Fact]
    public async Task A_source_that_fails_fails_the_stream_and_the_steps_before_it_are_learnt()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, cancellationToken: Cancellation);
        List<long> steps = [];
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (StepOutcome step in model.TrainAsync(FromElsewhereAsync(steps: 5, failsAfter: 3, cancellationToken: Cancellation), Cancellation))
            {
                steps.Add(step.Step);
            }
        });
        Assert.Equal([1L, 2], steps);
        Assert.Equal((3L, 3L), (model.Step, (await model.GetStatusAsync(Cancellation)).Step));
    }

    [Fact]
    public async Task Generated_text_is_the_text_of_the_generated_tokens()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(
            cluster["bytes"], Run with { Model = Run.Model with { Vocabulary = 256 } }, cancellationToken: Cancellation);
        int[] tokens = await model.GenerateAsync([.. Encoding.UTF8.GetBytes("né").Select(value => (int)value)], 40, 1, 3, Cancellation).ToArrayAsync(Cancellation);
        string[] pieces = await model.GenerateTextAsync("né", 40, 1, 3, cancellationToken: Cancellation).ToArrayAsync(Cancellation);

        // Byte 0 ends a text; a model that has learnt nothing writes it as soon as any other.
        Assert.Contains(0, tokens);
        Assert.Equal(Encoding.UTF8.GetString([.. tokens.TakeWhile(token => token != 0).Select(token => (byte)token)]), string.Concat(pieces));
        Assert.DoesNotContain("", pieces);
    }

    [Fact]
    public async Task Tokens_that_are_no_bytes_are_no_text()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, cancellationToken: Cancellation);
        InvalidRequestException refused = Assert.Throws<InvalidRequestException>(() => model.GenerateTextAsync("a", 3, cancellationToken: Cancellation));
        Assert.Contains("a vocabulary of 31", refused.Message, StringComparison.Ordinal);
    }

    private static async IAsyncEnumerable<IReadOnlyList<MicroBatch>> FromElsewhereAsync(
        int steps, int failsAfter = int.MaxValue, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (int step = 1; step <= steps; step++)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            if (step > failsAfter)
            {
                throw new IOException("The line is dead.");
            }

            yield return TrainingRuns.Batch(Run, step);
        }
    }
}
