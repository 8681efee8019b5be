using System.Diagnostics;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Native.Communication;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>What NCCL itself does not notice or does not survive: no rank hangs for longer than its deadline, all fail alike, and the GPUs work again afterwards.</summary>
[Collection(CudaCollection.Name)]
public sealed class NcclFaultTests : IDisposable
{
    /// <summary>Long enough for ranks to come together on a machine that is busy.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    private readonly int _living = Before();

    /// <summary>Whatever has happened, nothing of NCCL is left, and the same GPUs come together again.</summary>
    public void Dispose()
    {
        for (int rank = 0; rank < 4; rank++)
        {
            EmulatedNccl.Plant(rank, NcclFault.None);
        }

        Assert.Equal(_living, EmulatedNccl.Living);
        using (var again = new NcclGroup(4))
        {
            Assert.All(RankThreads.Run(again.Ranks, rank => Assert.Equal([0f, 1f, 2f, 3f], again.Gather(rank, rank.Rank))), failure => Assert.Null(failure));
        }

        Assert.Equal(_living, EmulatedNccl.Living);
    }

    [Fact]
    public void A_rank_that_never_joins_ends_the_opening_at_the_deadline()
    {
        EmulatedNccl.Plant(2, NcclFault.NeverJoins);
        long begun = Stopwatch.GetTimestamp();
        AssertAll(3, Short, "NCCL has not brought the 3 ranks together within 2 s");
        Assert.True(Stopwatch.GetElapsedTime(begun) < Short + TimeSpan.FromSeconds(20));
    }

    [Theory, InlineData(0), InlineData(5)]
    public void A_rank_whose_gpu_hangs_ends_all_at_the_deadline(int after)
    {
        EmulatedNccl.Plant(1, NcclFault.NeverArrives, after);
        AssertAll(3, Short, "nothing has moved between rank");
    }

    [Fact]
    public void A_slow_rank_is_waited_for()
    {
        EmulatedNccl.Plant(1, NcclFault.ArrivesLate, after: 2, value: 40);
        using var group = new NcclGroup(3, TimeSpan.FromSeconds(20));
        Assert.All(RankThreads.Run(group.Ranks, rank =>
        {
            for (int i = 0; i < 6; i++)
            {
                Assert.Equal([i, i + 1f, i + 2f], group.Gather(rank, rank.Rank + i));
            }
        }), failure => Assert.Null(failure));
    }

    [Theory, InlineData(6, "remote process exited"), InlineData(2, "unhandled system error")]
    public void An_error_that_comes_later_ends_all(int error, string words)
    {
        EmulatedNccl.Plant(0, NcclFault.AsynchronousError, after: 4, value: error);
        AssertAll(3, TimeSpan.FromSeconds(20), words);
    }

    [Theory, InlineData(0), InlineData(3)]
    public void A_call_that_fails_ends_all(int after)
    {
        EmulatedNccl.Plant(2, NcclFault.CallFails, after, value: 3);
        AssertAll(3, TimeSpan.FromSeconds(20), "NCCL failed on rank 2");
    }

    /// <summary>Rank 0 calls one communicator first and rank 1 the other: both would wait for good.</summary>
    [Fact]
    public void Two_communicators_in_different_order_are_found_at_the_deadline()
    {
        using var group = new NcclGroup(2, Short);
        ICommunicator[] others = [.. group.Specs.Select(spec => group.Open(spec with { View = 2 }))];
        Exception?[] failures = RankThreads.Run(group.Ranks, rank =>
        {
            ICommunicator[] order = rank.Rank == 0 ? [rank, others[0]] : [others[1], rank];
            Array.ForEach(order, communicator => group.Gather(communicator, rank.Rank));
        });
        Array.ForEach(others, other => other.Dispose());
        Assert.All(failures, failure => Assert.NotEmpty(Assert.IsType<CommunicatorException>(failure).MissingRanks));
    }

    /// <summary>Before the ranks have come together, while they do, between calls, while a call waits for its turn on the GPU.</summary>
    [Fact]
    public void An_abort_at_any_moment_ends_all_and_the_device_computes_again()
    {
        var random = new Random(11);
        for (int attempt = 0; attempt < 40; attempt++)
        {
            int size = 2 + attempt % 3;
            using var group = new NcclGroup(size);
            var cause = new InvalidDataException("given up");
            using var timer = new Timer(_ => group.Ranks[attempt % size].Abort(cause), null, random.Next(0, 60), Timeout.Infinite);
            Exception?[] failures = RankThreads.Run(group.Ranks, rank =>
            {
                DeviceSpan<float> part = group.Memory(rank.Rank, 3000, _ => 1), sum = group.Memory(rank.Rank, 3000);
                while (true)
                {
                    rank.ReduceScatterInRankOrder(part, true, sum);
                    rank.AllGatherOwned(sum);
                    group.Gather(rank, 1);
                }
            });
            Assert.All(failures, failure => Assert.Contains("aborted: given up", Assert.IsType<CommunicatorException>(failure).Message));
            Array.ForEach(group.Ranks, rank => rank.Dispose());
            for (int rank = 0; rank < size; rank++)
            {
                Assert.Equal([3f, 3f], group.Read(rank, group.Memory(rank, 2, _ => 3)));
            }
        }
    }

    [Fact]
    public void What_was_queued_behind_an_aborted_call_is_not_given_out_as_a_result()
    {
        EmulatedNccl.Plant(1, NcclFault.NeverArrives);
        using var group = new NcclGroup(2, TimeSpan.FromSeconds(20));
        DeviceSpan<float>[] all = [.. group.Ranks.Select(rank => group.Memory(rank.Rank, 2))];
        Assert.All(RankThreads.Run(group.Ranks, rank => rank.AllGather(group.Memory(rank.Rank, 1, _ => 7), all[rank.Rank])), failure => Assert.Null(failure));
        var reading = new Thread(() => group.Ranks[0].Abort(new InvalidDataException("given up")));
        reading.Start();
        Assert.Contains("given up", Assert.Throws<CommunicatorException>(() => group.Read(0, all[0])).Message);
        reading.Join();
        Assert.Throws<CommunicatorException>(() => group.Devices[0].Synchronize());
        group.Ranks[0].Dispose();
        group.Devices[0].Synchronize();
    }

    [Fact]
    public void A_rank_that_leaves_waits_no_longer_than_the_deadline_for_what_never_ends()
    {
        EmulatedNccl.Plant(1, NcclFault.NeverArrives);
        using var group = new NcclGroup(2, Short);
        Assert.All(
            RankThreads.Run(group.Ranks, rank => rank.AllGather(group.Memory(rank.Rank, 1), group.Memory(rank.Rank, 2))), failure => Assert.Null(failure));
        Assert.All(RankThreads.Run(group.Ranks, rank => rank.Dispose()), failure => Assert.Null(failure));
    }

    /// <summary>A call that another thread's disposal overtakes between its agreement and NCCL.</summary>
    [Fact]
    public void What_is_launched_behind_a_disposal_is_refused()
    {
        using var group = new NcclGroup(2);
        var connection = new NcclConnection(group.Specs[0], group.Devices[0], failure => failure);
        connection.Dispose();
        Exception?[] failures = RankThreads.Run([group.Ranks[0]], rank =>
        {
            DeviceSpan<float> mine = group.Memory(0, 1);
            connection.Begin(CollectiveOperation.Broadcast);
            connection.Add(new Transfer(TransferKind.Broadcast, mine.Address, mine.Address, sizeof(float), 0));
            connection.Launch();
        });
        Assert.IsType<ObjectDisposedException>(failures[0]);
    }

    [Fact]
    public void Communicators_come_and_go_without_a_trace()
    {
        using (new NcclGroup(2))
        {
        }

        int[] before = Counts();
        for (int i = 0; i < 50; i++)
        {
            using var group = new NcclGroup(2);
            Assert.All(RankThreads.Run(group.Ranks, rank => Assert.Equal([5f, 6f], group.Gather(rank, 5 + rank.Rank))), failure => Assert.Null(failure));
        }

        Assert.Equal(before, Counts());

        static int[] Counts() =>
        [
            .. from rank in Enumerable.Range(0, 2)
               from what in new[] { Held.Allocations, Held.PinnedAllocations, Held.Streams, Held.Events }
               select EmulatedCuda.Count(what, EmulatedNccl.GpuOf(rank).Ordinal),
        ];
    }

    [Fact]
    public void Two_ranks_on_one_gpu_are_named_before_NCCL_is_asked()
    {
        using var group = new NcclGroup(3, gpuOf: rank => rank % 2);
        Exception?[] failures = RankThreads.Run(group.Ranks, rank => group.Gather(rank, 0));
        Assert.All(failures, failure => Assert.Contains("rank 0 on host 'host-0' and rank 2 on host 'host-2' have the same GPU", failure!.Message));
    }

    /// <summary>Gathers until it fails, and expects that all ranks say why.</summary>
    private static void AssertAll(int size, TimeSpan deadline, string words)
    {
        using var group = new NcclGroup(size, deadline);
        Exception?[] failures = RankThreads.Run(group.Ranks, rank =>
        {
            while (true)
            {
                group.Gather(rank, 1);
            }
        });
        Assert.All(failures, failure => Assert.Contains(words, Assert.IsType<CommunicatorException>(failure).Message));
    }

    private static int Before()
    {
        EmulatedCuda.Require();
        return EmulatedNccl.Living;
    }
}
