using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

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
        await using (TrainingCluster cluster = await TrainingCluster.StartAsync(silosBefore))
        {
            MoEModel undisturbed = await cluster.Client.CreateModelAsync("undisturbed", Run, null, Cancellation);
            expected = await TrainingTrace.OfAsync(undisturbed, 12);
            MoEModel stopped = await cluster.Client.CreateModelAsync("m", Run, null, Cancellation);
            firstLosses = (await TrainingTrace.OfAsync(stopped, 7)).Losses;
            await stopped.SaveAsync(Checkpoint, "seven", Cancellation);
        }

        await using TrainingCluster later = await TrainingCluster.StartAsync(silosAfter);
        PlacementRequest placement = new()
        {
            Ranks = Placements.Singles(Run.Model.Experts.Select(experts => Enumerable.Range(0, experts).Select(expert => (expert * 3 + 1) % silosAfter))),
        };
        MoEModel resumed = await later.Client.RestoreModelAsync("m", Checkpoint, placement, Cancellation);
        Assert.Equal((7L, "seven"), (resumed.Step, resumed.Cursor));
        TrainingTrace rest = await TrainingTrace.OfAsync(resumed, 5);
        double[] losses = [.. firstLosses, .. rest.Losses];
        Assert.Equal(expected.Losses, losses);
        Assert.Equal(expected.Fingerprint, rest.Fingerprint);
    }

    [Fact]
    public async Task A_save_that_dies_anywhere_leaves_the_checkpoint_before_it_whole()
    {
        var disk = new DyingFileStore();
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions
            {
                Silos = 2,
                Configure = (_, silo) => silo.Services.Replace(ServiceDescriptor.Singleton<IFileStore>(disk)),
            },
            Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        disk.LiveFor(long.MaxValue);
        await model.SaveAsync(Checkpoint, "first", Cancellation);
        ulong fingerprint = await model.FingerprintAsync(Cancellation);
        long cost = disk.Spent;
        await TrainingTrace.OfAsync(model, 1);

        int failed = 0;
        for (int i = 0; i < 40; i++)
        {
            disk.LiveFor(cost * i / 40);
            await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "second", Cancellation));
            failed++;
            MoEModel before = await cluster.Client.RestoreModelAsync($"before-{i}", Checkpoint, null, Cancellation);
            Assert.Equal((1L, "first"), (before.Step, before.Cursor));
            Assert.Equal(fingerprint, await before.FingerprintAsync(Cancellation));
        }

        // The model has taken no harm, and neither has the folder.
        Assert.Equal(40, failed);
        disk.LiveFor(long.MaxValue);
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(Checkpoint, "third", Cancellation);
        MoEModel after = await cluster.Client.RestoreModelAsync("after", Checkpoint, null, Cancellation);
        Assert.Equal((3L, "third"), (after.Step, after.Cursor));
        Assert.Equal(await model.FingerprintAsync(Cancellation), await after.FingerprintAsync(Cancellation));
        Assert.Equal(4, Directory.GetFiles(Checkpoint, "*-step-*").Length);
        Assert.Empty(Directory.GetFiles(Checkpoint, "*.unfinished"));
    }

    [Fact]
    public async Task What_is_no_checkpoint_is_refused_in_words()
    {
        await using TrainingCluster cluster = await TrainingCluster.StartAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(Checkpoint, cancellationToken: Cancellation);
        await Assert.ThrowsAsync<CheckpointFailedException>(
            () => cluster.Client.RestoreModelAsync("a", Path.Combine(_folder.Path, "nowhere"), null, Cancellation));
        await Assert.ThrowsAsync<InvalidRequestException>(() => cluster.Client.RestoreModelAsync("m", Checkpoint, null, Cancellation));

        string file = Directory.GetFiles(Checkpoint, "optimizer-*").Order(StringComparer.Ordinal).First();
        byte[] bytes = await File.ReadAllBytesAsync(file, Cancellation);
        await File.WriteAllBytesAsync(file, bytes[..(bytes.Length - 4)], Cancellation);
        EpochFailedException truncated =
            await Assert.ThrowsAsync<EpochFailedException>(() => cluster.Client.RestoreModelAsync("b", Checkpoint, null, Cancellation));
        Assert.Contains("truncated", truncated.Message, StringComparison.Ordinal);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
    }
}
