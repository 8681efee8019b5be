using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Calls that are cancelled end at once; the model is used on, and what it learnt is known.</summary>
public sealed class CancellationTests : IAsyncLifetime
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private readonly TemporaryFolder _folder = new();
    private TrainingCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(2);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return _cluster.DisposeAsync();
    }

    [Theory]
    [InlineData("train step")]
    [InlineData("train")]
    [InlineData("evaluate")]
    [InlineData("generate")]
    [InlineData("save")]
    [InlineData("move")]
    [InlineData("gate")]
    [InlineData("fingerprint")]
    [InlineData("refresh")]
    public async Task Work_that_is_cancelled_at_any_call_leaves_a_model_that_goes_on(string work)
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        int cancelled = 0, calls = 0;
        for (bool done = false; !done; calls++)
        {
            using var source = new CancellationTokenSource();
            CancelAt(source, calls);
            try
            {
                await RunAsync(model, work, source.Token);
                done = !source.IsCancellationRequested;
            }
            catch (OperationCanceledException) when (source.IsCancellationRequested)
            {
                cancelled++;
            }

            _cluster.Calls.Before = null;
            await model.RefreshAsync(Cancellation);
            Assert.Equal((await model.GetStatusAsync(Cancellation)).Step, model.Step);
            long before = model.Step;
            Assert.Equal(before + 1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, before + 1), Cancellation)).Step);
        }

        Assert.True(cancelled > 0, "Nothing was cancelled.");
        Assert.Equal(1, (await model.ConfigureGateAsync(0, gate => gate, Cancellation)).Layer + 1);
        if (work != "gate")
        {
            // Every step has learnt the batch of its number, once.
            MoEModel other = await _cluster.Client.CreateModelAsync(_cluster["other"], Run, null, Cancellation);
            await TrainingTrace.OfAsync(other, (int)model.Step);
            Assert.Equal(await other.FingerprintAsync(Cancellation), await model.FingerprintAsync(Cancellation));
        }
    }

    [Fact]
    public async Task After_a_cancelled_step_the_same_batch_is_that_step_and_another_is_refused()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await CancelStepAsync(model, 1);
        Task<StepOutcome> other = model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
        StepTakenException taken = await Assert.ThrowsAsync<StepTakenException>(() => other);
        Assert.Equal(1, taken.Step);
        _cluster.DataPlane.Release();
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);

        // The same once the cancelled step is committed, and with a client that looks after it.
        await CancelStepAsync(model, 2);
        _cluster.DataPlane.Release();
        await model.FingerprintAsync(Cancellation);
        Assert.Equal(1, model.Step);
        await Assert.ThrowsAsync<StepTakenException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation));
        await model.RefreshAsync(Cancellation);
        Assert.Equal(2, model.Step);
        Assert.Equal(3, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation)).Step);

        MoEModel undisturbed = await _cluster.Client.CreateModelAsync(_cluster["other"], Run, null, Cancellation);
        Assert.Equal((await TrainingTrace.OfAsync(undisturbed, 3)).Fingerprint, await model.FingerprintAsync(Cancellation));
    }

    [Fact]
    public async Task Two_clients_that_train_one_model_notice_each_other()
    {
        MoEModel one = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        MoEModel other = await _cluster.Client.OpenModelAsync(_cluster["m"], Cancellation);
        await TrainingTrace.OfAsync(one, 3);
        await Assert.ThrowsAsync<StepTakenException>(() => other.TrainStepAsync(TrainingRuns.Batch(Run, 9), Cancellation));
        await TrainingTrace.OfAsync(one, 3);
        await Assert.ThrowsAsync<StepTakenException>(() => other.TrainStepAsync(TrainingRuns.Batch(Run, 9), Cancellation));
        await other.RefreshAsync(Cancellation);
        Assert.Equal(7, (await other.TrainStepAsync(TrainingRuns.Batch(Run, 9), Cancellation)).Step);
    }

    [Fact]
    public async Task Who_leaves_the_loop_early_finds_the_step_that_was_submitted_ahead()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 9), Cancellation))
        {
            if (step.Step == 3)
            {
                break;
            }
        }

        Assert.Equal(4, model.Step);
        Assert.Equal(5, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 5), Cancellation)).Step);
    }

    [Fact]
    public async Task A_text_that_is_cancelled_ends_on_the_cluster_after_a_few_tokens()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        int[] whole = await model.GenerateAsync([3, 4], 40, 0.9f, 5, Cancellation).ToArrayAsync(Cancellation);
        List<int> tokens = [];
        long ordered = 0;
        _cluster.Calls.Before = call =>
        {
            if (call.Request.GetArgumentCount() > 0 && call.Request.GetArgument(0) is GenerateRequest request)
            {
                Interlocked.Add(ref ordered, request.Count);
            }
        };
        using var source = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int token in model.GenerateAsync([3, 4], 100_000, 0.9f, 5, source.Token))
            {
                tokens.Add(token);
                if (tokens.Count == 20)
                {
                    await source.CancelAsync();
                }
            }
        });
        Assert.Equal(whole[..20], tokens[..20]);
        Assert.InRange(tokens.Count, 20, 24);
        Assert.InRange(Interlocked.Read(ref ordered), 20, 32);
        Assert.Equal(whole, await model.GenerateAsync([3, 4], 40, 0.9f, 5, Cancellation).ToArrayAsync(Cancellation));
    }

    private async Task RunAsync(MoEModel model, string work, CancellationToken token)
    {
        switch (work)
        {
            case "train step":
                await model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), token);
                break;
            case "train":
                IEnumerable<IReadOnlyList<MicroBatch>> batches =
                    Enumerable.Range((int)model.Step + 1, 3).Select(step => TrainingRuns.Batch(Run, step));
                await foreach (StepOutcome _ in model.TrainAsync(batches, token))
                {
                }

                break;
            case "evaluate":
                await model.EvaluateAsync(TrainingRuns.Batch(Run, 1), token);
                break;
            case "generate":
                await model.GenerateAsync([1], 12, cancellationToken: token).ToArrayAsync(token);
                break;
            case "save":
                await model.SaveAsync(_folder.Path, cancellationToken: token);
                break;
            case "move":
                await model.MoveExpertAsync(0, 0, (await model.GetStatusAsync(token)).Map!.Ranks()[0][0][0] ^ 1, token);
                break;
            case "gate":
                await model.ConfigureGateAsync(0, gate => gate with { TopK = 1 + gate.TopK % 4 }, token);
                break;
            case "fingerprint":
                await model.FingerprintAsync(token);
                break;
            default:
                await model.RefreshAsync(token);
                break;
        }
    }

    /// <summary>Cancels when a call of the cluster begins, after <paramref name="calls"/> others.</summary>
    private void CancelAt(CancellationTokenSource source, int calls)
    {
        int seen = 0;
        _cluster.Calls.Before = call =>
        {
            if (call.Grain is ITrainingGrain && Interlocked.Increment(ref seen) == calls + 1)
            {
                source.Cancel();
            }
        };
    }

    private async Task CancelStepAsync(MoEModel model, int step)
    {
        Task held = _cluster.DataPlane.HoldAt(rank: 0, calls: 3);
        using var source = new CancellationTokenSource();
        Task<StepOutcome> running = model.TrainStepAsync(TrainingRuns.Batch(Run, step), source.Token);
        await held;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
