using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Support;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Snapshots;

namespace MoEActors.Tests.Memory;

/// <summary>Who has copies of whose snapshots, and in what memory.</summary>
public sealed class SnapshotCopiesTests
{
    private static readonly ModelConfiguration Model = TrainingRuns.Small.Model;

    private static readonly BlockId Dense = new(null);

    private static readonly BlockId[] Some = [Dense, new(new ExpertId(0, 0)), new(new ExpertId(0, 1))];

    private static readonly long SomeBytes = BytesOf(Some);

    [Theory]
    [InlineData("one silo has no neighbour", "a/0 a/1", "")]
    [InlineData("silos of one host", "10.0.0.1:1@7/0 10.0.0.1:2@7/0 10.0.0.1:3@7/0", "1 2 0")]
    [InlineData("another host, not the silo beside", "10.0.0.1:1@7/0 10.0.0.1:2@7/0 10.0.0.2:1@7/0 10.0.0.2:2@7/0", "2 3 0 1")]
    [InlineData("hosts of several devices share alike", "a/0 a/1 b/0 b/1", "2 3 0 1")]
    [InlineData("one that is neighbour of two", "a/0 a/1 b/0", "2 2 0")]
    [InlineData("one that has fewer devices", "a/0 b/0 b/1 c/0", "1 3 3 0")]
    public void A_neighbour_is_a_worker_of_another_host(string what, string workers, string neighbours) => Assert.True(
        neighbours.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).SequenceEqual(SnapshotRing.Of([.. workers.Split(' ').Select(WorkerOf)])), what);

    [Fact]
    public void Copies_of_one_snapshot_make_room_for_those_of_another()
    {
        var copies = new SnapshotCopies(Model, () => long.MaxValue);
        Assert.True(copies.Reserve("a", kept: null, Some));
        Assert.Empty(copies.Held);
        Assert.All(Some, block => copies.Claim("a", block).IsWhole = true);
        Assert.Equal([new ExpertId(0, 0), new ExpertId(0, 1)], Assert.Single(copies.Held).Experts);
        BlockCopy first = copies.Get("a", Dense);

        Assert.True(copies.Reserve("b", kept: "a", Some));
        Assert.Equal(2 * SomeBytes, copies.Bytes);
        Assert.Equal("a", Assert.Single(copies.Held).Tag);
        Assert.Throws<InvalidOperationException>(() => copies.Get("b", Dense));
        Assert.NotSame(first, copies.Claim("b", Dense));

        Assert.True(copies.Reserve("c", kept: "b", Some));
        Assert.Equal(2 * SomeBytes, copies.Bytes);
        Assert.Same(first, copies.Claim("c", Dense));
        Assert.Empty(copies.Held);
    }

    [Fact]
    public void Copies_take_no_more_than_is_left_and_give_it_back()
    {
        long budget = 2 * SomeBytes;
        SnapshotCopies copies = null!;
        copies = new SnapshotCopies(Model, () => budget - copies.Bytes);
        Assert.True(copies.Reserve("a", kept: null, Some));
        Assert.True(copies.Reserve("b", kept: "a", Some));
        Assert.False(copies.Reserve("c", kept: "b", [.. Some, new(new ExpertId(0, 2))]));
        Assert.Equal(SomeBytes, copies.Bytes);
        copies.Yield();
        Assert.Equal(SomeBytes, copies.Bytes);
        budget = SomeBytes - 1;
        copies.Yield();
        Assert.Equal(0, copies.Bytes);
    }

    [Fact]
    public void An_estimate_has_both_copies_of_two_snapshots()
    {
        MemoryEstimate estimate = MemoryEstimator.Estimate(TrainingRuns.Small, 2, new MicroBatchShape(1, 4));
        BlockId[] all = [Dense, .. Model.Experts.SelectMany((count, layer) => Enumerable.Range(0, count).Select(expert => new BlockId(new ExpertId(layer, expert))))];
        Assert.All(estimate.Workers, worker => Assert.Equal(2 * BytesOf(all), worker.Copies));
        Assert.Equal(BytesOf(all), MemoryEstimator.Estimate(TrainingRuns.Small, 1, new MicroBatchShape(1, 4)).Workers[0].Copies);
        PlacementMap map = StaticPlanner.Plan(1, [WorkerOf("a/0"), WorkerOf("b/0"), WorkerOf("c/0")], Model.Experts);
        Assert.Equal(4 * BytesOf(all), Enumerable.Range(0, 3).Sum(rank => SnapshotCopies.Estimate(Model, map, rank)));
    }

    private static long BytesOf(IReadOnlyList<BlockId> blocks)
    {
        var copies = new SnapshotCopies(Model, () => long.MaxValue);
        copies.Reserve("a", kept: null, blocks);
        return copies.Bytes;
    }

    private static WorkerId WorkerOf(string text) => new(text.Split('/')[0], int.Parse(text.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture));
}
