using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Memory;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Native.Communication;

/// <summary>A call ends on every rank or fails on every rank, with the reason, over every transport.</summary>
public sealed class CommunicatorFailureTests
{
    public static TheoryData<Transport> Transports => [.. Enum.GetValues<Transport>()];

    private static readonly InvalidDataException Cause = new("NaN in the loss of step 7");

    [Theory, MemberData(nameof(Transports))]
    public void Missing_ranks_are_named_at_the_deadline(Transport transport)
    {
        using WatchedTime time = new();
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, 4, TimeSpan.FromSeconds(30), time);
        Thread clock = new(() =>
        {
            time.WaitUntilArmed();
            time.Advance(TimeSpan.FromSeconds(30));
        });
        clock.Start();

        Exception?[] failures = RankThreads.Run([group.Ranks[0], group.Ranks[2]], Gather);

        clock.Join();
        Assert.All(failures, failure =>
        {
            var e = Assert.IsType<CommunicatorException>(failure);
            Assert.Equal("AllGather", e.Operation);
            Assert.Contains("missing 30 s after rank", e.Message);

            // Of ranks 0 and 2 the later one may not have been there yet: the clock moved when the first one was.
            Assert.Equal([1, 3], e.MissingRanks.Where(rank => rank is 1 or 3));
        });

        // A rank that arrives late gets the same error at once.
        var late = Assert.Throws<CommunicatorException>(() => Gather(group.Ranks[3]));
        Assert.Contains("missing 30 s after rank", late.Message);
    }

    /// <summary>Within a process, where the ranks have one clock between them.</summary>
    [Fact]
    public void The_deadline_counts_from_the_first_arrival_of_each_operation()
    {
        using WatchedTime time = new();
        using CommunicatorGroup group = CommunicatorGroup.Open(Transport.InProcess, 2, TimeSpan.FromSeconds(30), time);
        Assert.All(RankThreads.Run(group.Ranks, Gather), failure => Assert.Null(failure));

        time.WaitUntilArmed();
        time.Advance(TimeSpan.FromSeconds(29));
        Thread clock = new(() =>
        {
            // The first operation's timer fires while the second is 1 s old at most: it must only be set again.
            time.Advance(TimeSpan.FromSeconds(1));
            time.WaitUntilArmed();
            time.Advance(TimeSpan.FromSeconds(30));
        });
        clock.Start();
        Exception?[] failures = RankThreads.Run([group.Ranks[0]], Gather);
        clock.Join();
        Assert.Equal([1], Assert.IsType<CommunicatorException>(failures[0]).MissingRanks);
    }

    [Theory, MemberData(nameof(Transports))]
    public void A_short_deadline_holds_on_the_systems_clock(Transport transport)
    {
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, 2, TimeSpan.FromMilliseconds(20));
        var e = Assert.Throws<CommunicatorException>(() => Gather(group.Ranks[1]));
        Assert.Equal([0], e.MissingRanks);
        Assert.Contains("rank 0 is missing 0.02 s after rank 1 arrived", e.Message);
    }

    [Theory, MemberData(nameof(Transports))]
    public void Abort_before_anyone_arrives_fails_every_rank(Transport transport)
    {
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, 3);
        group.Ranks[1].Abort(Cause);
        Assert.All(RankThreads.Run(group.Ranks, Gather), failure => AssertAborted(transport, failure));
    }

    [Theory, MemberData(nameof(Transports))]
    public void Abort_wakes_a_rank_that_waits(Transport transport)
    {
        using WatchedTime time = new();
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, 3, time: time);
        Thread aborter = new(() =>
        {
            time.WaitUntilArmed();
            group.Ranks[1].Abort(Cause);
            group.Ranks[1].Abort(new InvalidDataException("too late to be the cause"));
        });
        aborter.Start();
        Assert.All(RankThreads.Run([group.Ranks[0], group.Ranks[2]], Gather), failure => AssertAborted(transport, failure));
        aborter.Join();
    }

    [Theory, MemberData(nameof(Transports))]
    public void Disposing_a_rank_that_the_others_wait_for_fails_them(Transport transport)
    {
        using WatchedTime time = new();
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, 2, time: time);
        Thread disposer = new(() =>
        {
            time.WaitUntilArmed();
            group.Ranks[0].Dispose();
        });
        disposer.Start();
        Exception?[] failures = RankThreads.Run([group.Ranks[1]], Gather);
        Assert.Contains("rank 0 has disposed its communicator", failures[0]!.Message);
        Assert.Throws<ObjectDisposedException>(() => Gather(group.Ranks[0]));
        disposer.Join();
    }

    /// <summary>Aborts at random moments of a busy group: all ranks must have finished the same number of operations, or nearly.</summary>
    [Theory, MemberData(nameof(Transports))]
    public void An_abort_at_any_moment_leaves_all_ranks_at_the_same_operation(Transport transport)
    {
        Random random = new(5);
        for (int attempt = 0; attempt < 60; attempt++)
        {
            int size = 2 + attempt % 4;
            int fatal = random.Next(1, 40);
            using CommunicatorGroup group = CommunicatorGroup.Open(transport, size);
            using ManualResetEventSlim reached = new();
            int[] finished = new int[size];
            Thread aborter = new(() =>
            {
                reached.Wait();
                group.Ranks[0].Abort(Cause);
            });
            aborter.Start();
            Exception?[] failures = RankThreads.Run(group.Ranks, rank =>
            {
                PinnedMemory<float> part = new(5000, _ => 1);
                PinnedMemory<float> sum = new(5000);
                while (true)
                {
                    rank.ReduceScatterInRankOrder(part.Span, true, sum.Span);
                    if (++finished[rank.Rank] == fatal)
                    {
                        reached.Set();
                    }
                }
            });
            aborter.Join();
            Assert.All(failures, failure => AssertAborted(transport, failure));

            // Between processes the abort may have come to one rank before the last bytes of the operation, and to another behind them.
            Assert.InRange(finished.Max() - finished.Min(), 0, transport == Transport.InProcess ? 0 : 1);
        }
    }

    [Theory, MemberData(nameof(Transports))]
    public void Different_operations_are_named(Transport transport)
    {
        AssertFails(transport, 2, "rank 0 is in AllGather while rank 1 is in AllToAll", rank =>
        {
            if (rank.Rank == 0)
            {
                Gather(rank);
            }
            else
            {
                rank.AllToAll(DeviceSpan<int>.Empty, [], DeviceSpan<int>.Empty, []);
            }
        });
    }

    [Theory, MemberData(nameof(Transports))]
    public void Different_lengths_are_named(Transport transport)
    {
        AssertFails(transport, 3, "rank 0 is in AllGatherOwned of 10 Single elements while rank ", rank =>
            rank.AllGatherOwned(new PinnedMemory<float>(rank.Rank == 0 ? 10 : 12).Span));
    }

    [Theory, MemberData(nameof(Transports))]
    public void Different_roots_are_named(Transport transport)
    {
        AssertFails(transport, 2, "rank 0 is in Broadcast from root 0 of 4 Int32 elements while rank 1 is in Broadcast from root 1", rank =>
            rank.Broadcast(new PinnedMemory<int>(4).Span, rank.Rank));
    }

    [Theory, MemberData(nameof(Transports))]
    public void Different_counts_of_a_segment_are_named(Transport transport)
    {
        AssertFails(transport, 2, "segment 1 from rank 0 to rank 1: 5 elements are sent and 6 expected", rank =>
        {
            PinnedMemory<float> buffer = new(20);
            PinnedMemory<float> other = new(20);
            Segment[] sends = rank.Rank == 0 ? [new(1, 0, 3), new(1, 3, 5)] : [];
            Segment[] receives = rank.Rank == 1 ? [new(0, 0, 3), new(0, 3, 6)] : [];
            rank.AllToAll(buffer.Span, sends, other.Span, receives);
        });
    }

    [Theory]
    [InlineData(Transport.InProcess, 2, 1)]
    [InlineData(Transport.InProcess, 0, 1)]
    [InlineData(Transport.InProcess, 1, 3)]
    [InlineData(Transport.Tcp, 2, 1)]
    [InlineData(Transport.Tcp, 0, 1)]
    [InlineData(Transport.Tcp, 1, 3)]
    [InlineData(Transport.Nccl, 2, 1)]
    [InlineData(Transport.Nccl, 0, 1)]
    [InlineData(Transport.Nccl, 1, 3)]
    public void Different_numbers_of_segments_are_named(Transport transport, int sent, int expected)
    {
        AssertFails(transport, 3, $"rank 2 sends {sent} segments to rank 1, which expects {expected}", rank =>
        {
            PinnedMemory<float> buffer = new(20);
            PinnedMemory<float> other = new(20);
            Segment[] sends = rank.Rank == 2 ? [.. Enumerable.Repeat(new Segment(1, 0, 2), sent)] : [];
            Segment[] receives = rank.Rank == 1 ? [.. Enumerable.Repeat(new Segment(2, 0, 2), expected)] : [];
            rank.AllToAll(buffer.Span, sends, other.Span, receives);
        });
    }

    [Theory, MemberData(nameof(Transports))]
    public void A_rank_with_wrong_arguments_ends_the_call_everywhere(Transport transport)
    {
        AssertFails(transport, 3, "rank 1 gives 2 elements and has room for 5, which is not 3 times as many", rank =>
            rank.AllGather(new PinnedMemory<int>(2).Span, new PinnedMemory<int>(rank.Rank == 1 ? 5 : 6).Span));
        AssertFails(transport, 2, "rank 0 has a send segment of 4 elements at 3 for rank 1, outside its buffer of 6 elements", rank =>
            rank.AllToAll(
                new PinnedMemory<int>(6).Span, rank.Rank == 0 ? [new(1, 3, 4)] : [], new PinnedMemory<int>(6).Span,
                rank.Rank == 1 ? [new(0, 0, 4)] : []));
        AssertFails(transport, 2, "names root 2, which is none of the 2 ranks", rank => rank.Broadcast(new PinnedMemory<int>(1).Span, 2));
    }

    [Fact]
    public void A_rank_is_handed_out_once()
    {
        using InProcessCommunicatorGroup group = new(2);
        using ICommunicator rank = group.Open(1);
        Assert.Throws<InvalidOperationException>(() => group.Open(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Open(2));
    }

    private static void Gather(ICommunicator rank) =>
        rank.AllGather(new PinnedMemory<int>(2).Span, new PinnedMemory<int>(2 * rank.Size).Span);

    private static void AssertFails(Transport transport, int size, string message, Action<ICommunicator> body)
    {
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, size);
        Exception?[] failures = RankThreads.Run(group.Ranks, body);
        Assert.All(failures, failure => Assert.Contains(message, Assert.IsType<CommunicatorException>(failure).Message));
    }

    private static void AssertAborted(Transport transport, Exception? failure)
    {
        // To another process the cause travels as its words.
        var e = Assert.IsType<CommunicatorException>(failure);
        Assert.True(e.InnerException == Cause || (transport != Transport.InProcess && e.InnerException is null));
        Assert.Contains("aborted: NaN in the loss of step 7", e.Message);
        Assert.Empty(e.MissingRanks);
    }
}
