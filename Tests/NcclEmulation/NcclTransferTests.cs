using MoEActors.Benchmarks.Devices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Native.Communication;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>What goes from GPU to GPU, counted by the emulation, and how a transport is chosen.</summary>
[Collection(CudaCollection.Name)]
public sealed class NcclTransferTests
{
    private const int Size = 4;

    /// <summary>By the formulas: what goes to others, each byte once; nothing to oneself, and nothing of a rank that does not contribute.</summary>
    [Fact]
    public void Bytes_and_launches_are_those_of_the_definitions()
    {
        const int Length = 100;
        using var group = new NcclGroup(Size);
        Assert.All(RankThreads.Run(group.Ranks, rank => group.Gather(rank, 0)), failure => Assert.Null(failure));
        int[] owned = [.. Enumerable.Range(0, Size).Select(rank => ICommunicator.OwnedRange(Length, rank, Size).Length)];
        SegmentLayout layout = new(Size, seed: 3);

        AssertCounts(group, rank => rank.AllGather(group.Memory(rank.Rank, 6), group.Memory(rank.Rank, 6 * Size)), _ => 6 * 4 * (Size - 1), calls: _ => 1);
        AssertCounts(group, rank => rank.Broadcast(group.Memory(rank.Rank, 9), root: 2), rank => rank == 2 ? 9 * 4 * (Size - 1) : 0, calls: _ => 1);
        AssertCounts(
            group, rank => rank.AllGatherOwned(group.Memory(rank.Rank, Length)), rank => owned[rank] * 4 * (Size - 1),
            calls: rank => Enumerable.Range(0, Size).Where(peer => peer != rank).Sum(peer => (owned[rank] > 0 ? 1 : 0) + (owned[peer] > 0 ? 1 : 0)));
        AssertCounts(
            group, rank => rank.ReduceScatterInRankOrder(group.Memory(rank.Rank, Length), rank.Rank != 1, group.Memory(rank.Rank, Length)),
            rank => rank == 1 ? 0 : (Length - owned[rank]) * 4);
        AssertCounts(
            group,
            rank => rank.AllToAll(
                group.Memory(rank.Rank, layout.SendLengths[rank.Rank]), layout.Sends[rank.Rank],
                group.Memory(rank.Rank, layout.ReceiveLengths[rank.Rank]), layout.Receives[rank.Rank]),
            rank => layout.Sends[rank].Where(segment => segment.Peer != rank).Sum(segment => segment.Count * 4),
            calls: rank => layout.Sends[rank].Concat(layout.Receives[rank]).Count(segment => segment.Peer != rank && segment.Count > 0));
    }

    /// <summary>Whoever goes on on another stream gets what has come.</summary>
    [Fact]
    public void Copies_of_shards_have_arrived_when_a_call_returns()
    {
        EmulatedCuda.Require();
        using var group = new NcclGroup(2);
        ICommunicator[] copies = [.. group.Specs.Select(spec => group.Open(spec with { Purpose = CommunicatorPurpose.ShardCopy }))];
        Assert.All(RankThreads.Run(copies, rank =>
        {
            DeviceSpan<float> mine = group.Memory(rank.Rank, 8, i => rank.Rank == 0 ? i : -1);
            rank.Broadcast(mine, root: 0);
            using var other = (CudaDevice)group.Devices[rank.Rank].OpenContext();
            float[] there = new float[8];
            other.Read(mine, there);
            Assert.Equal(Enumerable.Range(0, 8).Select(i => (float)i), there);
        }), failure => Assert.Null(failure));
        Array.ForEach(copies, copy => copy.Dispose());
    }

    [Fact]
    public void A_transport_is_chosen_by_where_the_ranks_are_and_what_they_compute_on()
    {
        EmulatedCuda.Require();
        using var tcp = new TcpCommunicatorProvider();
        var provider = new NcclCommunicatorProvider(tcp);
        using var device = new CudaDevice(EmulatedNccl.GpuOf(0));
        Assert.Same(tcp.EndPoint, provider.EndPoint);

        CommunicatorSpec apart = Spec("a", "b"), together = Spec("a", "a");
        using (ICommunicator onProcessors = provider.Open(apart))
        {
            Assert.IsType<TcpCommunicator>(onProcessors);
        }

        using (ICommunicator here = provider.Open(together with { Device = device }))
        {
            Assert.IsType<InProcessCommunicator>(here);
        }

        using (ICommunicator onGpus = provider.Open(apart with { Device = device, View = 2 }))
        {
            Assert.IsType<NcclCommunicator>(onGpus);
        }

        CommunicatorSpec Spec(params string[] hosts) =>
            CommunicatorGroup.Spec(hosts.Select((host, rank) => new CommunicatorMember(rank, host, rank, tcp.EndPoint)), rank: 0);
    }

    [Fact]
    public async Task The_check_of_one_gpu_finds_nothing_wrong()
    {
        GpuCheckReport report = await GpuCheck.RunAsync("nccl", EmulatedNccl.GpuOf(0), null, TestContext.Current.CancellationToken);
        Assert.All(report.Findings, finding => Assert.True(finding.Passed, $"{finding.Name}: {finding.Detail}"));
        Assert.Equal(7, report.Findings.Count);
    }

    private static void AssertCounts(NcclGroup group, Action<ICommunicator> call, Func<int, long> bytes, Func<int, long>? calls = null)
    {
        for (int rank = 0; rank < group.Ranks.Length; rank++)
        {
            EmulatedNccl.Plant(rank, NcclFault.None);
        }

        Assert.All(
            RankThreads.Run(group.Ranks, rank =>
            {
                call(rank);
                group.Devices[rank.Rank].Synchronize();
            }),
            failure => Assert.Null(failure));
        for (int rank = 0; rank < group.Ranks.Length; rank++)
        {
            Assert.Equal(bytes(rank), EmulatedNccl.Count(rank, NcclCount.Bytes));
            Assert.True(EmulatedNccl.Count(rank, NcclCount.Launches) <= 1, "More than one launch.");
            if (calls is not null)
            {
                Assert.Equal(calls(rank), EmulatedNccl.Count(rank, NcclCount.Calls));
            }
        }
    }
}
