using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>A save that fails leaves the checkpoint before it, whosever it was; one that is complete stays, whatever fails afterwards.</summary>
public sealed class SaveFailureTests : IDisposable
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static readonly RunConfiguration OtherSeed = Run with { Model = Run.Model with { Seed = 8 } };

    private static readonly RunConfiguration OtherShape = Run with { Model = Run.Model with { Hidden = 18, Experts = [3, 3] } };

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("the same run, later")]
    [InlineData("another run of the same shape")]
    [InlineData("another shape")]
    public async Task A_save_that_is_killed_at_any_operation_leaves_a_whole_checkpoint(string saved)
    {
        var disk = new DyingFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel old = await cluster.Client.CreateModelAsync(cluster["old"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(old, 1);
        string original = Path.Combine(_folder.Path, "original");
        await old.SaveAsync(original, "old", cancellationToken: Cancellation);
        ulong oldHash = await old.FingerprintAsync(Cancellation);
        MoEModel model = saved == "the same run, later"
            ? old
            : await cluster.Client.CreateModelAsync(cluster["new"], saved == "another shape" ? OtherShape : OtherSeed, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        ulong newHash = await model.FingerprintAsync(Cancellation);

        // Two files of each worker, description and index, and then the four old files are deleted.
        disk.LiveFor(long.MaxValue);
        await model.SaveAsync(Copy(original, "rehearsal"), "new", overwrite: true, Cancellation);
        long[] ends = [0, .. disk.Ends];
        Assert.Equal(1 + 10, ends.Length);
        long complete = ends[6];
        foreach (long death in ends.Zip(ends.Skip(1), Around).SelectMany(one => one).Distinct())
        {
            string folder = Copy(original, $"dead-at-{death}");
            disk.LiveFor(death);
            Task save = model.SaveAsync(folder, "new", overwrite: true, Cancellation);
            await (death < complete ? Assert.ThrowsAsync<CheckpointFailedException>(() => save) : save);
            disk.LiveFor(long.MaxValue);

            MoEModel found = await cluster.Client.RestoreModelAsync(cluster[$"at-{death}"], folder, null, Cancellation);
            Assert.Equal(death < complete ? ("old", oldHash) : ("new", newHash), (found.Cursor, await found.FingerprintAsync(Cancellation)));

            // The next save tidies up.
            await model.SaveAsync(folder, "again", overwrite: true, Cancellation);
            Assert.Equal("again", CheckpointFolder.Open(folder).Cursor);
            Assert.Equal(4, Directory.GetFiles(folder, "*-step-*").Length);
            Assert.Empty(Directory.GetFiles(folder, "*.unfinished"));
        }
    }

    [Fact]
    public async Task A_disk_that_is_full_is_named_and_nothing_half_written_stays()
    {
        var disk = new FullDiskFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(Checkpoint, "one", cancellationToken: Cancellation);
        ulong hash = await model.FingerprintAsync(Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        foreach (long room in new[] { 0, 1, 10_000, 60_000, 200_000 })
        {
            disk.Room = room;
            CheckpointFailedException failed =
                await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "two", cancellationToken: Cancellation));
            Assert.Contains("No space left on device", failed.Message, StringComparison.Ordinal);
            Assert.Equal(4, Directory.GetFiles(Checkpoint, "*-step-*").Length);
            MoEModel before = await cluster.Client.RestoreModelAsync(cluster[$"before-{room}"], Checkpoint, null, Cancellation);
            Assert.Equal((hash, 1L), (await before.FingerprintAsync(Cancellation), before.Step));
        }

        disk.Room = long.MaxValue;
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(Checkpoint, "three", cancellationToken: Cancellation);
        Assert.Equal(4, Directory.GetFiles(Checkpoint, "*-step-*").Length);
    }

    [Fact]
    public async Task A_first_save_that_fails_leaves_nothing_and_speaks_of_no_older_one()
    {
        var disk = new FullDiskFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        foreach (long room in new[] { 0, 60_000 })
        {
            disk.Room = room;
            CheckpointFailedException failed =
                await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "one", cancellationToken: Cancellation));
            Assert.DoesNotContain("older", failed.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Checkpoint));
        }
    }

    /// <summary>As where silos have disks of their own under one name.</summary>
    [Fact]
    public async Task A_place_that_is_not_the_same_for_all_silos_is_named_and_no_snapshot_counts_that_others_cannot_read()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(TrainingCluster.DevicesOf(2), snapshots: 2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        cluster.Disk.Instead = new ElsewhereStore();
        CheckpointFailedException failed = await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, cancellationToken: Cancellation));
        Assert.Contains("the place must be one folder that all silos reach", failed.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Checkpoint, CheckpointFolder.IndexFile)));
        await TrainingTrace.OfAsync(model, 6);
        Assert.Empty((await cluster.Store.ReadAsync(cluster["m"]))!.Snapshots);
    }

    [Fact]
    public async Task What_a_killed_save_left_makes_room_for_the_next()
    {
        var disk = new DyingFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.SaveAsync(Checkpoint, "one", cancellationToken: Cancellation);
        disk.LiveFor(100_000);
        await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "two", cancellationToken: Cancellation));
        Assert.NotEqual(4, Directory.GetFiles(Checkpoint, "*-step-*").Length);

        // It lives for the deletions, and dies with the first write.
        disk.LiveFor(Directory.GetFiles(Checkpoint, "*-step-*").Length - 4);
        await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "three", cancellationToken: Cancellation));
        Assert.Equal(4, Directory.GetFiles(Checkpoint, "*-step-*.safetensors").Length);
        Assert.Equal("one", (await cluster.Client.RestoreModelAsync(cluster["found"], Checkpoint, null, Cancellation)).Cursor);
    }

    [Fact]
    public async Task Files_beside_an_index_that_cannot_be_read_stay_until_there_is_another()
    {
        var disk = new FullDiskFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.SaveAsync(Checkpoint, "one", cancellationToken: Cancellation);
        string[] files = Directory.GetFiles(Checkpoint, "*-step-*");
        await File.WriteAllTextAsync(Path.Combine(Checkpoint, CheckpointFolder.IndexFile), "{ \"weight_map\": 3 }", Cancellation);
        disk.Room = 0;
        await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, "two", overwrite: true, Cancellation));
        Assert.All(files, file => Assert.True(File.Exists(file)));
        disk.Room = long.MaxValue;
        await model.SaveAsync(Checkpoint, "three", overwrite: true, Cancellation);
        Assert.All(files, file => Assert.False(File.Exists(file)));
    }

    [Fact]
    public async Task Two_models_that_save_into_one_folder_at_once_leave_a_whole_checkpoint()
    {
        var disk = new FullDiskFileStore();
        await using TrainingCluster cluster = await RentAsync(disk);
        MoEModel first = await cluster.Client.CreateModelAsync(cluster["first"], Run, null, Cancellation);
        MoEModel second = await cluster.Client.CreateModelAsync(cluster["second"], OtherSeed, null, Cancellation);
        await first.SaveAsync(Checkpoint, "first", cancellationToken: Cancellation);
        using (CheckpointFolder.Lock(Checkpoint))
        {
            CheckpointFailedException refused =
                await Assert.ThrowsAsync<CheckpointFailedException>(() => second.SaveAsync(Checkpoint, "second", cancellationToken: Cancellation));
            Assert.Contains("another save into", refused.Message, StringComparison.Ordinal);
            Assert.Contains("is still whole", refused.Message, StringComparison.Ordinal);
        }

        for (int i = 0; i < 5; i++)
        {
            await Task.WhenAll(Saved(first, "first"), Saved(second, "second"));
            MoEModel found = await cluster.Client.RestoreModelAsync(cluster[$"found-{i}"], Checkpoint, null, Cancellation);
            Assert.Equal(await (found.Cursor == "first" ? first : second).FingerprintAsync(Cancellation), await found.FingerprintAsync(Cancellation));
            Assert.Equal(6, Directory.GetFiles(Checkpoint).Length);
        }
    }

    private async Task Saved(MoEModel model, string cursor)
    {
        try
        {
            await model.SaveAsync(Checkpoint, cursor, overwrite: true, Cancellation);
        }
        catch (CheckpointFailedException)
        {
            // The other one was there first.
        }
    }

    /// <summary>Before an operation, in its middle, and when all is written but not renamed.</summary>
    private static long[] Around(long start, long end) => [start, (start + end) / 2, end - 1];

    private string Copy(string folder, string name)
    {
        string copy = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(folder))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    private static async Task<TrainingCluster> RentAsync(IFileStore disk)
    {
        TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        cluster.Disk.Instead = disk;
        return cluster;
    }
}
