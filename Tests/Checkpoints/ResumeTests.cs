using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>A run that was stopped and resumed is, bit for bit, the run that never stopped.</summary>
public sealed class ResumeTests : IDisposable
{
    private static readonly RunConfiguration Run = TrainingRuns.With("swiglu", new GateOptions { TopK = 2 });

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 4)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    public async Task Resuming_on_other_silos_and_another_placement_changes_no_bit(int silosBefore, int silosAfter)
    {
        TrainingTrace expected;
        double[] firstLosses;
        await using (TrainingCluster cluster = await TrainingCluster.RentAsync(silosBefore))
        {
            MoEModel undisturbed = await cluster.Client.CreateModelAsync(cluster["undisturbed"], Run, null, Cancellation);
            expected = await TrainingTrace.OfAsync(undisturbed, 12);
            MoEModel stopped = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
            firstLosses = (await TrainingTrace.OfAsync(stopped, 7)).Losses;
            await stopped.SaveAsync(Checkpoint, "seven", cancellationToken: Cancellation);
        }

        await using TrainingCluster later = await TrainingCluster.RentAsync(silosAfter);
        PlacementRequest placement = new()
        {
            Ranks = Placements.Singles(Run.Model.Experts.Select(experts => Enumerable.Range(0, experts).Select(expert => (expert * 3 + 1) % silosAfter))),
        };
        MoEModel resumed = await later.Client.RestoreModelAsync(later["m"], Checkpoint, placement, Cancellation);
        Assert.Equal((7L, "seven"), (resumed.Step, resumed.Cursor));
        TrainingTrace rest = await TrainingTrace.OfAsync(resumed, 5);
        double[] losses = [.. firstLosses, .. rest.Losses];
        Assert.Equal(expected.Losses, losses);
        Assert.Equal(expected.Fingerprint, rest.Fingerprint);
    }

    [Fact]
    public async Task What_is_no_checkpoint_is_refused_in_words()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(Checkpoint, cancellationToken: Cancellation);
        await Assert.ThrowsAsync<CheckpointFailedException>(
            () => cluster.Client.RestoreModelAsync(cluster["a"], Path.Combine(_folder.Path, "nowhere"), null, Cancellation));
        await Assert.ThrowsAsync<InvalidRequestException>(() => cluster.Client.RestoreModelAsync(cluster["m"], Checkpoint, null, Cancellation));

        string file = Directory.GetFiles(Checkpoint, "optimizer-*").Order(StringComparer.Ordinal).First();
        byte[] bytes = await File.ReadAllBytesAsync(file, Cancellation);
        await File.WriteAllBytesAsync(file, bytes[..(bytes.Length - 4)], Cancellation);
        CheckpointFailedException truncated =
            await Assert.ThrowsAsync<CheckpointFailedException>(() => cluster.Client.RestoreModelAsync(cluster["b"], Checkpoint, null, Cancellation));
        Assert.Contains("truncated", truncated.Message, StringComparison.Ordinal);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
    }
}
