using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>Evaluation and generation read the parameters of a checkpoint, and need nothing else of it.</summary>
public sealed class InferenceTests : IDisposable
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("whole")]
    [InlineData("without optimizer files")]
    [InlineData("with a half of an optimizer file")]
    [InlineData("without the optimizer in the index")]
    public async Task A_model_for_inference_answers_like_the_one_that_was_saved_and_does_not_learn(string left)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 2);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        await LeaveAsync(left);
        MoEModel opened = await cluster.Client.RestoreForInferenceAsync(cluster["inference"], _folder.Path, null, Cancellation);

        MicroBatch[] batches = [.. TrainingRuns.Batch(Run, 9)];
        Assert.Equal((2L, await model.FingerprintAsync(Cancellation)), (opened.Step, await opened.FingerprintAsync(Cancellation)));
        Assert.Equal((await model.EvaluateAsync(batches, Cancellation)).Loss, (await opened.EvaluateAsync(batches, Cancellation)).Loss);
        Assert.Equal(
            await model.GenerateAsync([1, 2], 9, cancellationToken: Cancellation).ToArrayAsync(Cancellation),
            await opened.GenerateAsync([1, 2], 9, cancellationToken: Cancellation).ToArrayAsync(Cancellation));
        InvalidRequestException[] refusals =
        [
            await Assert.ThrowsAsync<InvalidRequestException>(() => opened.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation)),
            await Assert.ThrowsAsync<InvalidRequestException>(() => opened.SaveAsync(_folder.Path, cancellationToken: Cancellation)),
            await Assert.ThrowsAsync<InvalidRequestException>(() => cluster.Client.RestoreModelAsync(cluster["inference"], _folder.Path, null, Cancellation)),
        ];
        Assert.All(refusals[..2], refused => Assert.Contains("opened for inference, without the optimizer's state", refused.Message, StringComparison.Ordinal));

        // Another coordinator knows it, too.
        await ManualCoordinator.TakeAsync(cluster, cluster["inference"]);
        await Assert.ThrowsAsync<InvalidRequestException>(() => opened.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation));
        if (left != "whole")
        {
            CheckpointFailedException incomplete =
                await Assert.ThrowsAsync<CheckpointFailedException>(() => cluster.Client.RestoreModelAsync(cluster["training"], _folder.Path, null, Cancellation));
            Assert.Equal(
                left == "without the optimizer in the index",
                incomplete.Message.Contains("has no optimizer's state: a text can be generated from it", StringComparison.Ordinal));
        }
    }

    private async Task LeaveAsync(string left)
    {
        string[] files = [.. Directory.GetFiles(_folder.Path, "optimizer-*").Order(StringComparer.Ordinal)];
        switch (left)
        {
            case "without optimizer files":
                Array.ForEach(files, File.Delete);
                break;
            case "with a half of an optimizer file":
                byte[] bytes = await File.ReadAllBytesAsync(files[0], Cancellation);
                await File.WriteAllBytesAsync(files[0], bytes[..(bytes.Length / 2)], Cancellation);
                break;
            case "without the optimizer in the index":
                string path = Path.Combine(_folder.Path, CheckpointFolder.IndexFile);
                JsonObject index = JsonNode.Parse(await File.ReadAllTextAsync(path, Cancellation))!.AsObject();
                index.Remove("optimizer_map");
                await File.WriteAllTextAsync(path, index.ToJsonString(), Cancellation);
                break;
        }
    }
}
