using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Memory;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Native.Communication.Tcp;

/// <summary>Hosts that die, fall silent, or hold something back: all ranks learn of it, and who it was.</summary>
public sealed class TcpFailureTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(400);

    [Fact]
    public void A_host_that_dies_in_an_operation_is_lost_at_once_on_every_rank()
    {
        using Relays relays = new();
        using TcpHosts hosts = TcpHosts.Start(3, reach: (rank, place) => rank == 0 ? relays.Before(place) : place);
        ICommunicator[] ranks = hosts.Open(liveness: TimeSpan.FromHours(1), progress: TimeSpan.FromHours(1));

        // Rank 0 is reached through the relay by both others: what is cut off is rank 0.
        Exception?[] failures = RunUntil(ranks[1..], waiting: 2, relays.Kill);
        Assert.All(failures, failure => AssertLost(failure, 0, "has closed its"));
        Assert.True(hosts.Hosts[1].Counters.PeersLost + hosts.Hosts[2].Counters.PeersLost >= 1);
    }

    [Fact]
    public void A_host_that_falls_silent_is_lost_after_the_liveness_deadline()
    {
        using Relays relays = new();
        using TcpHosts hosts = TcpHosts.Start(2, reach: (rank, place) => rank == 0 ? relays.Before(place) : place);
        ICommunicator[] ranks = hosts.Open(liveness: Short, progress: TimeSpan.FromHours(1));
        Exception?[] failures = RunUntil(ranks[1..], waiting: 1, () => relays.Cut());
        AssertLost(failures[0], 0, "has been silent for 0.4 s and counts as lost");
    }

    [Fact]
    public void A_silent_host_is_lost_even_when_no_operation_runs()
    {
        using Relays relays = new();
        using TcpHosts hosts = TcpHosts.Start(2, reach: (rank, place) => rank == 0 ? relays.Before(place) : place);
        ICommunicator[] ranks = hosts.Open(liveness: Short);
        relays.Cut();
        Assert.True(SpinWait.SpinUntil(
            () => hosts.Hosts.All(host => host.Counters.PeersLost == 1), Deadline.Patience));
        Assert.All(ranks, rank => AssertLost(Record.Exception(() => Gather(rank)), 1 - rank.Rank, "has been silent"));
    }

    /// <summary>Nobody calls an operation for several liveness deadlines: the threads that send signs of life are not the executors.</summary>
    [Fact]
    public void Hosts_whose_executors_compute_for_long_are_alive()
    {
        TimeSpan liveness = TimeSpan.FromMilliseconds(1000);
        using TcpHosts hosts = TcpHosts.Start(2);
        ICommunicator[] ranks = hosts.Open(liveness);
        long begun = Environment.TickCount64;
        SpinWait.SpinUntil(() => Environment.TickCount64 - begun > 2.5 * liveness.TotalMilliseconds);
        Assert.All(RankThreads.Run(ranks, Gather), failure => Assert.Null(failure));
        Assert.All(hosts.Hosts, host => Assert.Equal(0, host.Counters.PeersLost));
    }

    [Fact]
    public void What_some_ranks_notice_all_are_told()
    {
        using Relays relays = new();
        using TcpHosts hosts = TcpHosts.Start(4, reach: (rank, place) => rank == 0 ? relays.Before(place) : place);
        TimeSpan liveness = TimeSpan.FromSeconds(1);
        ICommunicator first = hosts.Hosts[0].Open(hosts.Spec(0, liveness)), second = hosts.Hosts[1].Open(hosts.Spec(1, liveness));
        Assert.True(SpinWait.SpinUntil(() => hosts.Hosts[0].Counters.Accepted == 2, Deadline.Patience));

        // Between ranks 0 and 1 nothing passes any more; ranks 2 and 3 are connected to everybody.
        ICommunicator[] others = [hosts.Hosts[2].Open(hosts.Spec(2, liveness)), hosts.Hosts[3].Open(hosts.Spec(3, liveness))];
        Array.ForEach(others, CommunicatorGroup.WaitUntilConnected);
        Exception?[] failures = RunUntil(others, waiting: 2, () => relays.Cut(connections: 2));
        Assert.All(failures, failure =>
        {
            var e = Assert.IsType<CommunicatorException>(failure);
            Assert.Contains("has been silent", e.Message);
            Assert.Contains(Assert.Single(e.MissingRanks), new[] { 0, 1 });
        });
        Array.ForEach([first, second, .. others], rank => rank.Dispose());
    }

    [Fact]
    public void A_rank_that_does_not_open_is_named_with_the_reason()
    {
        using TcpHosts hosts = TcpHosts.Start(2);
        hosts.Hosts[0].Dispose();
        using ICommunicator rank = hosts.Hosts[1].Open(hosts.Spec(1, progress: Short));
        var failure = Assert.Throws<CommunicatorException>(() => Gather(rank));
        Assert.Equal([0], failure.MissingRanks);
        Assert.Contains("rank 0 is missing 0.4 s after rank 1 arrived. rank 0 on host 'host-0' at 127.0.0.1:", failure.Message);
        Assert.Contains("could not be connected: ", failure.Message);
    }

    [Fact]
    public void Hosts_that_are_silent_when_one_connects_are_lost_long_before_the_progress_deadline()
    {
        // The system accepts for them, and nobody answers.
        TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        try
        {
            using TcpHosts hosts = TcpHosts.Start(3, reach: (rank, place) => rank < 2 ? silent.LocalEndpoint : place);
            using ICommunicator rank = hosts.Hosts[2].Open(hosts.Spec(2, liveness: Short, progress: TimeSpan.FromHours(1)));
            var failure = Assert.Throws<CommunicatorException>(() => Gather(rank));
            Assert.Equal([0, 1], failure.MissingRanks);
            Assert.Contains("have not answered for 0.8 s when rank 2 connected", failure.Message);
        }
        finally
        {
            silent.Stop();
        }
    }

    [Fact]
    public void A_transfer_that_stops_in_the_middle_fails_at_the_progress_deadline()
    {
        const int Count = 1 << 21;
        using Relays relays = new();
        using TcpHosts hosts = TcpHosts.Start(2, reach: (rank, place) => rank == 0 ? relays.Before(place, cutAfter: 1 << 20) : place);
        ICommunicator[] ranks = hosts.Open(liveness: TimeSpan.FromHours(1), progress: TimeSpan.FromSeconds(2));
        Exception?[] failures = RankThreads.Run(ranks, rank =>
        {
            PinnedMemory<float> send = new(Count), receive = new(Count);
            rank.AllToAll(send.Span, [new Segment(1 - rank.Rank, 0, Count)], receive.Span, [new Segment(1 - rank.Rank, 0, Count)]);
        });
        Assert.All(failures, failure =>
        {
            var e = Assert.IsType<CommunicatorException>(failure);
            Assert.Contains("in the middle of it nothing has moved between rank", e.Message);
            Assert.Single(e.MissingRanks);
        });
    }

    [Fact]
    public void Ranks_may_open_at_any_time()
    {
        using TcpHosts hosts = TcpHosts.Start(3);
        using ICommunicator last = hosts.Hosts[2].Open(hosts.Spec(2));

        // Its connections are waiting on the others' hosts before they open.
        Assert.True(SpinWait.SpinUntil(
            () => hosts.Hosts[..2].All(host => host.Counters.Accepted == 2), Deadline.Patience));
        using ICommunicator first = hosts.Hosts[0].Open(hosts.Spec(0));
        using ICommunicator second = hosts.Hosts[1].Open(hosts.Spec(1));
        Assert.All(RankThreads.Run([first, second, last], Gather), failure => Assert.Null(failure));
    }

    [Fact]
    public void Who_comes_late_is_told_why_it_is_over()
    {
        using TcpHosts hosts = TcpHosts.Start(2);
        ICommunicator early = hosts.Hosts[0].Open(hosts.Spec(0));
        early.Abort(new InvalidDataException("the loss was NaN"));
        early.Dispose();
        using ICommunicator late = hosts.Hosts[1].Open(hosts.Spec(1));
        Assert.Contains("rank 0 aborted: the loss was NaN", Assert.Throws<CommunicatorException>(() => Gather(late)).Message);
    }

    [Fact]
    public void A_host_that_stops_ends_its_communicators_and_says_so()
    {
        using TcpHosts hosts = TcpHosts.Start(2);
        ICommunicator[] ranks = hosts.Open();
        hosts.Hosts[0].Dispose();
        Assert.Contains("data server of rank 0 is stopping", Assert.Throws<CommunicatorException>(() => Gather(ranks[1])).Message);
        Assert.Throws<ObjectDisposedException>(() => hosts.Hosts[0].Open(hosts.Spec(0)));
    }

    /// <summary>The end comes at any moment of a host's life, also at once.</summary>
    [Fact]
    public async Task A_host_ends_whenever_it_is_told_to()
    {
        Task ends = Task.Run(
            () =>
            {
                for (int i = 0; i < 500; i++)
                {
                    new TcpCommunicatorProvider().Dispose();
                }
            },
            TestContext.Current.CancellationToken);
        await Deadline.WithinAsync(ends, "every host has ended");
    }

    [Fact]
    public void Other_members_or_a_rank_taken_twice_are_an_error()
    {
        using TcpHosts hosts = TcpHosts.Start(3);
        using ICommunicator rank = hosts.Hosts[0].Open(hosts.Spec(0));
        Assert.Contains("opened before", Assert.Throws<InvalidOperationException>(() => hosts.Hosts[0].Open(hosts.Spec(0))).Message);
        Assert.Contains(
            "is open with 3 ranks",
            Assert.Throws<InvalidOperationException>(() => hosts.Hosts[0].Open(CommunicatorGroup.Spec(hosts.Members[..2], 1))).Message);

        // On another host it is found when they connect.
        using ICommunicator other = hosts.Hosts[1].Open(CommunicatorGroup.Spec(hosts.Members[..2], 1));
        Assert.Contains("with other members", Assert.Throws<CommunicatorException>(() => Gather(other)).Message);
        hosts.WaitUntilRefused(0, ConnectionRefusal.Members);
        Assert.Contains("no place", Assert.Throws<ArgumentException>(
            () => hosts.Hosts[1].Open(CommunicatorGroup.Spec([hosts.Members[0], new CommunicatorMember(1, "nowhere", 0)], 1))).Message);
    }

    [Fact]
    public void Closed_communicators_leave_no_connection_behind()
    {
        using TcpHosts hosts = TcpHosts.Start(3);
        int[] ports = [.. hosts.Hosts.Select(host => ((IPEndPoint)host.EndPoint).Port)];
        Cycle(hosts, 60);
        int left = 0;
        Assert.True(
            SpinWait.SpinUntil(() => (left = Connections(ports)) == 0, Deadline.Patience),
            $"{left} connections are left after 60 communicators of 3 ranks were opened and closed.");
    }

    /// <summary>Ends of connections with these ports that somebody still has.</summary>
    private static int Connections(int[] ports) => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections().Count(
        connection => (ports.Contains(connection.LocalEndPoint.Port) || ports.Contains(connection.RemoteEndPoint.Port))
            && connection.State is (TcpState.Established or TcpState.CloseWait));

    [Fact]
    public void What_an_operation_works_on_stays_until_its_executor_has_left()
    {
        var options = new TcpOptions();
        using var io = new IoThread();
        using var server = new DataServer(options, io, new DataPlaneLog(NullLogger.Instance, TimeProvider.System));
        CommunicatorSpec spec = CommunicatorGroup.Spec([new CommunicatorMember(0, "host-0", 0, server.EndPoint)], 0);
        var connections = new PeerConnections(spec, CommunicatorIdentity.Of(options.ClusterId, spec), server, io, TimeProvider.System);
        Memory memory = connections.Keep(new Memory());
        connections.Enter(CollectiveOperation.ReduceScatterInRankOrder);
        connections.Dispose();
        Assert.False(memory.IsFreed);
        connections.Exit();
        Assert.True(memory.IsFreed);
    }

    /// <summary>Parts that are being received and added are in memory that a disposal frees: too early, and the process ends here.</summary>
    [Fact]
    public void A_rank_can_be_disposed_in_the_middle_of_a_sum()
    {
        using TcpHosts hosts = TcpHosts.Start(2);
        for (int view = 1; view <= 20; view++)
        {
            ICommunicator[] ranks = [.. hosts.Hosts.Select((host, rank) => host.Open(hosts.Spec(rank) with { View = view }))];
            using var begun = new CountdownEvent(2);
            Thread disposing = new(() =>
            {
                begun.Wait();
                ranks[view % 2].Dispose();
            });
            disposing.Start();
            Exception?[] failures = RankThreads.Run(ranks, rank =>
            {
                DeviceSpan<float> part = new PinnedMemory<float>(1 << 20, _ => 1).Span, sum = new PinnedMemory<float>(1 << 20).Span;
                rank.ReduceScatterInRankOrder(part, true, sum);
                begun.Signal();
                while (true)
                {
                    rank.ReduceScatterInRankOrder(part, true, sum);
                }
            });
            disposing.Join();
            Assert.All(failures, failure => Assert.True(failure is CommunicatorException or ObjectDisposedException, $"{failure}"));
            Array.ForEach(ranks, rank => rank.Dispose());
        }
    }

    private static void Cycle(TcpHosts hosts, int times)
    {
        for (int view = 1; view <= times; view++)
        {
            ICommunicator[] ranks = [.. hosts.Hosts.Select((host, rank) => host.Open(hosts.Spec(rank) with { View = view }))];
            if (view % 2 == 0)
            {
                Assert.All(RankThreads.Run(ranks, Gather), failure => Assert.Null(failure));
            }

            Array.ForEach(ranks, rank => rank.Dispose());
        }
    }

    /// <summary>Runs a gather on some ranks, and does something when so many of them are in it.</summary>
    private static Exception?[] RunUntil(IReadOnlyList<ICommunicator> ranks, int waiting, Action then)
    {
        using var arrived = new CountdownEvent(waiting);
        Thread thread = new(() =>
        {
            arrived.Wait();
            then();
        });
        thread.Start();
        Exception?[] failures = RankThreads.Run(ranks, rank =>
        {
            arrived.Signal();
            Gather(rank);
        });
        thread.Join();
        return failures;
    }

    private static void Gather(ICommunicator rank) =>
        rank.AllGather(new PinnedMemory<int>(2).Span, new PinnedMemory<int>(2 * rank.Size).Span);

    private static void AssertLost(Exception? failure, int rank, string how)
    {
        var e = Assert.IsType<CommunicatorException>(failure);
        Assert.Contains($"rank {rank} on host 'host-{rank}' at 127.0.0.1:", e.Message);
        Assert.Contains(how, e.Message);
        Assert.Equal([rank], e.MissingRanks);
    }

    /// <summary>Tells whether it has been freed.</summary>
    private sealed class Memory : IDisposable
    {
        public bool IsFreed { get; private set; }

        public void Dispose() => IsFreed = true;
    }

    /// <summary>Relays of one test.</summary>
    private sealed class Relays : IDisposable
    {
        private readonly List<Relay> _relays = [];

        public EndPoint Before(EndPoint place, long cutAfter = long.MaxValue)
        {
            var relay = new Relay(place, cutAfter: cutAfter);
            _relays.Add(relay);
            return relay.EndPoint;
        }

        public void Cut(int connections = int.MaxValue) => _relays.ForEach(relay => relay.Cut(connections));

        public void Kill() => _relays.ForEach(relay => relay.Kill());

        public void Dispose() => _relays.ForEach(relay => relay.Dispose());
    }
}
