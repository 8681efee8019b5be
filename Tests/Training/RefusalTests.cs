using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>What cannot be done is refused with a typed error that says why, and changes nothing.</summary>
public sealed class RefusalTests : IAsyncLifetime
{
    private const int RareToken = 30;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private TrainingCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(3);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory, InlineData(0), InlineData(5), InlineData(7)]
    public async Task A_loss_that_is_no_number_names_its_micro_batch_and_changes_nothing(int microBatch)
    {
        MoEModel undisturbed = await _cluster.Client.CreateModelAsync(_cluster["other"], Run, null, Cancellation);
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        MicroBatch[][] batches = [.. TrainingRuns.Batches(Run, 3).Select(batch => batch.Select(WithoutRareToken).ToArray())];
        MicroBatch[] bad = [.. batches[1].Select((one, index) => index == microBatch ? Plain(RareToken) : one)];
        foreach (MicroBatch[] batch in batches)
        {
            await undisturbed.TrainStepAsync(batch, Cancellation);
        }

        await model.TrainStepAsync(batches[0], Cancellation);
        ulong before = await model.FingerprintAsync(Cancellation);
        float[] healthy = SwapEmbedding([.. Enumerable.Repeat(float.NaN, Run.Model.Dim)]);
        NonFiniteLossException refused = await Assert.ThrowsAsync<NonFiniteLossException>(() => model.TrainStepAsync(bad, Cancellation));
        SwapEmbedding(healthy);

        Assert.Equal((2L, (int?)microBatch), (refused.Step, refused.MicroBatch));
        Assert.Contains($"micro-batch {microBatch}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await model.FingerprintAsync(Cancellation));
        await model.TrainStepAsync(batches[1], Cancellation);
        await model.TrainStepAsync(batches[2], Cancellation);
        Assert.Equal(await undisturbed.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Fact]
    public async Task An_absurd_learning_rate_ends_in_a_refusal_however_far_one_has_submitted_ahead()
    {
        RunConfiguration absurd = Run with { Optimizer = new OptimizerOptions { LearningRate = 1e30f, WarmupSteps = 0 } };
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], absurd, null, Cancellation);
        long done = 0;
        await Assert.ThrowsAsync<NonFiniteLossException>(async () =>
        {
            await foreach (StepOutcome outcome in model.TrainAsync(TrainingRuns.Batches(absurd, 9), Cancellation))
            {
                done = outcome.Step;
            }
        });
        ulong before = await model.FingerprintAsync(Cancellation);

        NonFiniteLossException refused =
            await Assert.ThrowsAsync<NonFiniteLossException>(() => model.TrainStepAsync(TrainingRuns.Batch(absurd, 9), Cancellation));
        Assert.Equal((done, done + 1), (model.Step, refused.Step));
        Assert.Equal(before, await model.FingerprintAsync(Cancellation));
    }

    [Fact]
    public async Task A_placement_that_cannot_work_is_refused_and_the_old_one_stays()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        int[][][] good = Placements.Singles([[0, 0, 1, 1, 2], [], [0, 0, 1, 1, 2, 2, 2]]);
        (PlacementRequest Request, string Says)[] cases =
        [
            (new PlacementRequest { Silos = ["nowhere"] }, "nowhere"),
            (new PlacementRequest { Silos = ["silo-0", "silo-0"] }, "name it once"),
            (new PlacementRequest { Ranks = [[[0], [0], [1], [1], [3]], [], good[2]] }, "Layer 0, expert 4"),
            (new PlacementRequest { Ranks = [[[0], [0], [1], [1], [-1]], [], good[2]] }, "rank -1"),
            (new PlacementRequest { Ranks = [good[0], []] }, "2 layers"),
            (new PlacementRequest { Ranks = [good[0], [], good[0]] }, "Layer 2"),
            (new PlacementRequest { Ranks = [good[0], [[0]], good[2]] }, "Layer 1"),
            (new PlacementRequest { Ranks = [[[0], [0], [1], [], [2]], [], good[2]] }, "Layer 0, expert 3 is placed nowhere"),
            (new PlacementRequest { Ranks = [good[0], [], [[0], [0], [1, 2, 1], [1], [2], [2], [2]]] }, "Layer 2, expert 2 has two replicas on rank 1"),
            (new PlacementRequest { Ranks = [good[0], [], [[0], [0], [1, 3], [1], [2], [2], [2]]] }, "Layer 2, expert 2 is placed on rank 3"),
            (new PlacementRequest { Silos = ["silo-1"], Ranks = good }, "rank 1"),
        ];
        foreach ((PlacementRequest request, string says) in cases)
        {
            PlacementRefusedException refused = await Assert.ThrowsAsync<PlacementRefusedException>(
                () => _cluster.Client.CreateModelAsync(_cluster["m"], Run, request, Cancellation));
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        }

        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        PlacementRefusedException left = await Assert.ThrowsAsync<PlacementRefusedException>(
            () => _cluster.Client.CreateModelAsync(_cluster["m"], Run, new PlacementRequest { Silos = ["silo-0", "silo-1"] }, Cancellation));
        Assert.Contains("would be lost", left.Message, StringComparison.Ordinal);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal((1L, 2L), (status.View, status.Step));
    }

    [Fact]
    public async Task A_batch_that_does_not_fit_is_refused()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        IReadOnlyList<MicroBatch> good = TrainingRuns.Batch(Run, 1);
        (IReadOnlyList<MicroBatch> Batch, string Says)[] cases =
        [
            ([.. good.Take(7)], "7 micro-batches"),
            ([], "0 micro-batches"),
            ([new MicroBatch(new int[10], new int[10], 10), .. good.Skip(1)], "10 tokens"),
            ([new MicroBatch(new int[10], new int[10], 0), .. good.Skip(1)], "0 tokens"),
            ([new MicroBatch(new int[9], new int[9], 4), .. good.Skip(1)], "whole sequences"),
            ([new MicroBatch(new int[8], new int[4], 4), .. good.Skip(1)], "whole sequences"),
            ([.. good.Skip(1), new MicroBatch([1, 31], [1, 1], 2)], "Micro-batch 7"),
            ([.. good.Skip(1), new MicroBatch([1, 1], [1, -2], 2)], "vocabulary of 31"),
            ([.. good.Select(one => one with { Targets = [.. one.Targets.Select(_ => -1)] })], "masked"),
            ([.. good.Select(_ => new MicroBatch([], [], 1))], "empty"),
        ];
        foreach ((IReadOnlyList<MicroBatch> batch, string says) in cases)
        {
            InvalidRequestException refused =
                await Assert.ThrowsAsync<InvalidRequestException>(() => model.TrainStepAsync(batch, Cancellation));
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, (await model.TrainStepAsync(good, Cancellation)).Step);
    }

    [Fact]
    public async Task Other_work_that_does_not_fit_is_refused()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        Func<Task>[] cases =
        [
            () => model.GenerateAsync([], 3, cancellationToken: Cancellation).ToArrayAsync().AsTask(),
            () => model.GenerateAsync([31], 3, cancellationToken: Cancellation).ToArrayAsync().AsTask(),
            () => model.GenerateAsync([1], -1, cancellationToken: Cancellation).ToArrayAsync().AsTask(),
            () => model.GenerateAsync([1], 1, float.NaN, cancellationToken: Cancellation).ToArrayAsync().AsTask(),
            () => model.EvaluateAsync([new MicroBatch([1], [-1], 1)], Cancellation),
            () => model.EvaluateAsync([new MicroBatch([99], [1], 1)], Cancellation),
            () => _cluster.Client.CreateModelAsync("a/b", Run, null, Cancellation),
            () => _cluster.Client.CreateModelAsync(_cluster["m"], Run with { MicroBatches = 4 }, null, Cancellation),
        ];
        foreach (Func<Task> work in cases)
        {
            await Assert.ThrowsAsync<InvalidRequestException>(work);
        }

        Assert.Equal(3, (await model.GenerateAsync([1], 3, cancellationToken: Cancellation).ToArrayAsync(Cancellation)).Length);
    }

    [Fact]
    public async Task An_evaluation_and_a_text_do_not_depend_on_where_the_experts_are()
    {
        MoEModel one = await _cluster.Client.CreateModelAsync(_cluster["one"], Run, new PlacementRequest { Silos = ["silo-1"] }, Cancellation);
        MoEModel all = await _cluster.Client.CreateModelAsync(_cluster["all"], Run, null, Cancellation);
        IReadOnlyList<MicroBatch> batch = [.. TrainingRuns.Batch(Run, 1), .. TrainingRuns.Batch(Run, 2).Take(3)];
        ulong before = await all.FingerprintAsync(Cancellation);

        Assert.Equal(await one.EvaluateAsync(batch, Cancellation), await all.EvaluateAsync(batch, Cancellation), Same);
        Assert.Equal(
            await one.GenerateAsync([3, 4], 20, 0.8f, 5, Cancellation).ToArrayAsync(Cancellation),
            await all.GenerateAsync([3, 4], 20, 0.8f, 5, Cancellation).ToArrayAsync(Cancellation));
        Assert.Equal(before, await all.FingerprintAsync(Cancellation));
    }

    private static bool Same(EvaluationOutcome left, EvaluationOutcome right) => left.Loss == right.Loss && left.Tokens == right.Tokens;

    private static MicroBatch Plain(int token) => new([token, 1, 2], [1, 2, 3], 3);

    private static MicroBatch WithoutRareToken(MicroBatch batch) =>
        batch with { Inputs = [.. batch.Inputs.Select(input => input == RareToken ? 0 : input)] };

    /// <summary>Replaces the rare token's row of every replica's embedding, between steps.</summary>
    private float[] SwapEmbedding(float[] row)
    {
        float[] before = [];
        for (int silo = 0; silo < 3; silo++)
        {
            Span<float> table = _cluster.Host(silo).ModelAt(_cluster["m"], silo)!.Parameters.Dense["embed_tokens"].Value.SliceRows(RareToken, 1).Data.AsSpan();
            before = table[..row.Length].ToArray();
            row.CopyTo(table);
        }

        return before;
    }
}
