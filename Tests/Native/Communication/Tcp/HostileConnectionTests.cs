using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;

namespace MoEActors.Tests.Native.Communication.Tcp;

/// <summary>Connections of whoever is no member: they are closed and counted, and disturb nobody.</summary>
public sealed class HostileConnectionTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);

    private static readonly HandshakeProof Ours = new(ClusterSecret.From(TcpHosts.Secret), new TcpOptions().ClusterId);

    private readonly TcpHosts _hosts = TcpHosts.Start(2, (_, options) =>
    {
        options.HandshakeDeadline = Short;
        options.ParkingDeadline = Short;
        options.MaxHandshakes = 3;
    });

    public void Dispose() => _hosts.Dispose();

    [Fact]
    public void Random_bytes_are_refused_while_members_go_on()
    {
        ICommunicator[] ranks = _hosts.Open();
        Random random = new(7);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = new byte[random.Next(Hello.Size, 400)];
            random.NextBytes(bytes);
            using (var stranger = new Stranger((IPEndPoint)_hosts.Hosts[0].EndPoint))
            {
                stranger.Say(bytes);
                Assert.True(stranger.IsClosed());
            }

            if (i % 20 == 0)
            {
                Assert.All(RankThreads.Run(ranks, Gather), failure => Assert.Null(failure));
            }
        }

        _hosts.WaitUntilRefused(0, ConnectionRefusal.Malformed, 200);
        Assert.Equal(2, _hosts.Hosts[0].Counters.Accepted);
        Assert.All(RankThreads.Run(ranks, Gather), failure => Assert.Null(failure));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(Hello.Size - 1)]
    public void A_handshake_that_ends_early_is_refused(int bytes)
    {
        using (Stranger stranger = _hosts.Connect(0))
        {
            stranger.Say(Greeting().AsSpan(0, bytes));
        }

        _hosts.WaitUntilRefused(0, ConnectionRefusal.Truncated);
    }

    [Fact]
    public void A_handshake_that_stops_in_the_middle_is_refused_at_the_deadline()
    {
        using Stranger silent = _hosts.Connect(0), half = _hosts.Connect(0), late = _hosts.Connect(0);
        half.Say(Greeting().AsSpan(0, 20));
        late.Say(Greeting());
        Assert.Equal(HandshakeProof.AnswerSize, late.Hear(HandshakeProof.AnswerSize).Length);
        Assert.All([silent, half, late], stranger => Assert.True(stranger.IsClosed()));
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Deadline, 3);
    }

    /// <summary>Every byte in time is still too late for the whole: the deadline is one for all of it.</summary>
    [Fact]
    public void A_handshake_drop_by_drop_is_refused_at_the_deadline()
    {
        using Stranger stranger = _hosts.Connect(0);
        byte[] greeting = Greeting();
        try
        {
            for (int i = 0; _hosts.Hosts[0].Counters.Refused[ConnectionRefusal.Deadline] == 0 && i < greeting.Length - 1;)
            {
                // As slowly as it takes to be too slow, without a clock of its own.
                stranger.Say(greeting.AsSpan(i++, 1));
                long begun = Environment.TickCount64;
                SpinWait.SpinUntil(() => Environment.TickCount64 - begun >= 5);
            }
        }
        catch (SocketException)
        {
            // Closed under our hands.
        }

        _hosts.WaitUntilRefused(0, ConnectionRefusal.Deadline);
    }

    [Fact]
    public void More_handshakes_than_there_may_be_are_closed()
    {
        using Stranger first = _hosts.Connect(0), second = _hosts.Connect(0), third = _hosts.Connect(0), fourth = _hosts.Connect(0);
        Assert.True(fourth.IsClosed());
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Crowd);
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Deadline, 3);

        // When they are gone there is room again.
        using Stranger fifth = _hosts.Connect(0);
        fifth.Say(Greeting());
        Assert.Equal(HandshakeProof.GoOn, fifth.Hear(HandshakeProof.AnswerSize)[0]);
    }

    [Fact]
    public void Another_version_is_told_so()
    {
        byte[] greeting = Greeting();
        greeting[4] = Hello.Version + 1;
        using Stranger stranger = _hosts.Connect(0);
        stranger.Say(greeting);
        Assert.Equal((byte)ConnectionRefusal.Version, stranger.Hear(HandshakeProof.AnswerSize)[0]);
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Version);
    }

    [Theory, InlineData("another secret of another cluster", "default"), InlineData(TcpHosts.Secret, "another-cluster"), InlineData(null, "default")]
    public void Another_secret_or_cluster_is_refused_and_no_secret_is_shown(string? secret, string cluster)
    {
        using var other = new TcpCommunicatorProvider(new TcpOptions { Secret = secret, ClusterId = cluster });
        using ICommunicator rank = other.Open(_hosts.Spec(1));
        string message = Assert.Throws<CommunicatorException>(() => Gather(rank)).ToString();
        Assert.Contains("does not have the same secret or cluster id", message);
        Assert.DoesNotContain(TcpHosts.Secret, message);
        Assert.DoesNotContain("another secret", message);
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Proof);
        Assert.Equal(0, _hosts.Hosts[0].Counters.Accepted);
    }

    [Fact]
    public void A_host_that_does_not_know_the_secret_is_no_peer()
    {
        // A member connects to somebody who takes every proof and has none.
        using var impostor = new TcpListener(IPAddress.Loopback, 0);
        impostor.Start();
        Thread answers = new(() =>
        {
            using Socket victim = impostor.AcceptSocket();
            byte[] heard = new byte[Hello.Size];
            victim.Receive(heard);
            victim.Send([HandshakeProof.GoOn, .. heard.AsSpan(0, Digest.Size)]);
            victim.Receive(heard);
            victim.Send([HandshakeProof.GoOn, .. heard.AsSpan(0, Digest.Size)]);
            victim.Receive(heard);
        });
        answers.Start();
        using ICommunicator rank = _hosts.Hosts[1].Open(
            CommunicatorGroup.Spec([_hosts.Members[0] with { EndPoint = impostor.LocalEndpoint }, _hosts.Members[1]], 1));
        Assert.Contains("does not have the same secret", Assert.Throws<CommunicatorException>(() => Gather(rank)).Message);
        answers.Join();
    }

    [Fact]
    public void A_handshake_that_was_overheard_is_of_no_use()
    {
        using ICommunicator rank = _hosts.Hosts[0].Open(_hosts.Spec(0));
        byte[] greeting = Greeting();
        using Stranger member = _hosts.Connect(0);
        byte[] proof = Prove(member, greeting, out byte[] answer);
        Assert.Equal(HandshakeProof.GoOn, answer[0]);

        using Stranger replay = _hosts.Connect(0);
        replay.Say(greeting);
        replay.Hear(HandshakeProof.AnswerSize);
        replay.Say(proof);
        Assert.Equal((byte)ConnectionRefusal.Proof, replay.Hear(HandshakeProof.AnswerSize)[0]);
        Assert.True(replay.IsClosed());
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Proof);
    }

    [Fact]
    public void What_the_accepting_side_proves_proves_nothing_of_the_connecting_one()
    {
        byte[] greeting = Greeting(), challenge = new byte[HandshakeProof.AnswerSize];
        byte[] proof = Ours.Of(HandshakeSide.Dialer, greeting, challenge);
        Assert.NotEqual(Ours.Of(HandshakeSide.Acceptor, greeting, challenge), proof);

        // Everything that is said is in the proof, and so is the cluster.
        for (int i = 0; i < greeting.Length; i++)
        {
            byte[] other = [.. greeting];
            other[i] ^= 1;
            Assert.False(Ours.Is(proof, HandshakeSide.Dialer, other, challenge));
        }

        challenge[^1] ^= 1;
        Assert.False(Ours.Is(proof, HandshakeSide.Dialer, greeting, challenge));
        challenge[^1] ^= 1;
        Assert.True(Ours.Is(proof, HandshakeSide.Dialer, greeting, challenge));
        Assert.False(new HandshakeProof(ClusterSecret.From(TcpHosts.Secret), "another").Is(proof, HandshakeSide.Dialer, greeting, challenge));
    }

    [Fact]
    public void Everything_that_names_a_communicator_is_in_its_identity()
    {
        CommunicatorSpec spec = _hosts.Spec(1);
        CommunicatorMember other = _hosts.Members[1];
        CommunicatorIdentity[] identities =
        [
            CommunicatorIdentity.Of("c", spec), CommunicatorIdentity.Of("d", spec), CommunicatorIdentity.Of("c", spec with { Model = "other" }),
            CommunicatorIdentity.Of("c", spec with { Term = 2 }), CommunicatorIdentity.Of("c", spec with { View = 2 }),
            CommunicatorIdentity.Of("c", spec with { Attempt = 2 }), CommunicatorIdentity.Of("c", spec with { Purpose = CommunicatorPurpose.ShardCopy }),
            .. new[] { other with { Host = "elsewhere" }, other with { Device = 1 }, other with { EndPoint = new IPEndPoint(IPAddress.Loopback, 1) } }
                .Select(changed => CommunicatorIdentity.Of("c", CommunicatorGroup.Spec([_hosts.Members[0], changed], 1))),
        ];
        Assert.Equal(identities.Length, identities.Distinct().Count());
        Assert.Equal(identities[0], CommunicatorIdentity.Of("c", spec with { ProgressDeadline = Short }));
    }

    [Fact]
    public void A_connection_of_another_view_waits_in_vain()
    {
        ICommunicator[] ranks = _hosts.Open();
        using Stranger old = _hosts.Connect(0);
        Prove(old, Greeting(_hosts.Spec(1) with { View = 7 }), out byte[] answer);
        Assert.Equal(HandshakeProof.GoOn, answer[0]);
        Assert.True(old.IsClosed());
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Unopened);
        Assert.All(RankThreads.Run(ranks, Gather), failure => Assert.Null(failure));
    }

    [Fact]
    public void More_waiting_connections_than_there_may_be_are_closed()
    {
        using TcpHosts hosts = TcpHosts.Start(1, (_, options) => options.MaxParked = 2);
        byte[] codes =
        [
            .. Enumerable.Range(100, 3).Select(view =>
            {
                Prove(hosts.Connect(0), Greeting(_hosts.Spec(1) with { View = view }), out byte[] answer);
                return answer[0];
            }),
        ];
        Assert.Equal([HandshakeProof.GoOn, HandshakeProof.GoOn, (byte)ConnectionRefusal.Parked], codes);
        hosts.WaitUntilRefused(0, ConnectionRefusal.Parked);
    }

    [Fact]
    public void A_rank_that_is_none_or_is_connected_is_refused()
    {
        _hosts.Open();
        using Stranger third = _hosts.Connect(0), twin = _hosts.Connect(0);
        byte[] greeting = Greeting();
        new Hello(CommunicatorIdentity.Of("default", _hosts.Spec(1)), 2, 0, StreamKind.Data, HandshakeProof.Nonce()).Write(greeting);
        Prove(third, greeting, out byte[] answer);
        Assert.Equal((byte)ConnectionRefusal.Members, answer[0]);
        Prove(twin, Greeting(), out answer);
        Assert.Equal((byte)ConnectionRefusal.Duplicate, answer[0]);
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Members);
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Duplicate);
    }

    public static TheoryData<string> NoFrames => ["zero", "counts", "operation", "sequence", "random"];

    /// <summary>From somebody who has the secret: the operation fails, with nothing taken from what the frame says of itself.</summary>
    [Theory, MemberData(nameof(NoFrames))]
    public void What_is_no_frame_ends_the_communicator(string how)
    {
        using ICommunicator rank = _hosts.Hosts[0].Open(_hosts.Spec(0));
        using Stranger control = _hosts.Connect(0), data = _hosts.Connect(0);
        Prove(control, Greeting(stream: StreamKind.Control), out _);
        Prove(data, Greeting(), out _);
        byte[] frame = new byte[FrameHeader.Size];
        new FrameHeader(
            how == "sequence" ? 9 : 0, new OperationDescription(CollectiveOperation.AllToAll, CarriedType.Of<float>(), 0),
            how == "counts" ? int.MaxValue : 0).Write(frame);
        switch (how)
        {
            case "zero":
                Array.Clear(frame);
                break;
            case "operation":
                frame[1] = 77;
                break;
            case "random":
                new Random(3).NextBytes(frame);
                break;
            default:
                break;
        }

        data.Say(frame);
        var failure = Assert.Throws<CommunicatorException>(
            () => rank.AllToAll(new PinnedMemory<float>(1).Span, [], new PinnedMemory<float>(1).Span, []));
        Assert.Contains("what came from rank 1 on host 'host-1' at ", failure.Message);
        Assert.Equal(1, _hosts.Hosts[0].Counters.Refused[ConnectionRefusal.Frame]);
    }

    [Fact]
    public void What_is_no_control_frame_ends_the_communicator()
    {
        using ICommunicator rank = _hosts.Hosts[0].Open(_hosts.Spec(0));
        using Stranger control = _hosts.Connect(0);
        Prove(control, Greeting(stream: StreamKind.Control), out _);
        control.Say([2, 0, 0xFF, 0xFF]);
        Assert.Contains("is no frame", Assert.Throws<CommunicatorException>(() => Gather(rank)).Message);
    }

    [Fact]
    public void A_server_that_others_reach_needs_a_secret()
    {
        string message = Assert.Throws<InvalidOperationException>(
            () => new TcpCommunicatorProvider(new TcpOptions { Listen = new IPEndPoint(IPAddress.Any, 0), Advertise = new DnsEndPoint("here", 0) })).Message;
        Assert.Contains("without a secret", message);
        Assert.Contains("Give every process of the cluster the same Secret", message);
        string tooShort = Assert.Throws<InvalidOperationException>(() => new TcpCommunicatorProvider(new TcpOptions { Secret = "swordfish" })).Message;
        Assert.Contains("shorter than 16", tooShort);
        Assert.DoesNotContain("swordfish", tooShort);
        Assert.Contains("Advertise", Assert.Throws<InvalidOperationException>(
            () => new TcpCommunicatorProvider(new TcpOptions { Listen = new IPEndPoint(IPAddress.Any, 0), Secret = TcpHosts.Secret })).Message);
        int taken = ((IPEndPoint)_hosts.Hosts[0].EndPoint).Port;
        Assert.Contains("cannot listen on", Assert.Throws<InvalidOperationException>(
            () => new TcpCommunicatorProvider(new TcpOptions { Listen = new IPEndPoint(IPAddress.Loopback, taken) })).Message);
    }

    [Fact]
    public void Where_it_listens_and_where_it_is_reached_may_differ()
    {
        using var host = new TcpCommunicatorProvider(new TcpOptions
        {
            Listen = new IPEndPoint(IPAddress.Any, 0),
            Advertise = new DnsEndPoint("localhost", 0),
            Secret = TcpHosts.Secret,
        });
        var place = Assert.IsType<DnsEndPoint>(host.EndPoint);
        Assert.NotEqual(0, place.Port);
        CommunicatorMember[] members = [new(0, "a", 0, place), new(1, "b", 0, _hosts.Members[1].EndPoint)];
        using ICommunicator first = host.Open(CommunicatorGroup.Spec(members, 0));
        using ICommunicator second = _hosts.Hosts[1].Open(CommunicatorGroup.Spec(members, 1));
        Assert.All(RankThreads.Run([first, second], Gather), failure => Assert.Null(failure));
    }

    [Fact]
    public void What_is_refused_is_measured()
    {
        ConcurrentQueue<(object?, object?)> reasons = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, meters) =>
        {
            if (instrument is { Name: "moe.connections.refused", Meter.Name: "MoEActors" })
            {
                meters.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => reasons.Enqueue((tags[0].Value, tags[1].Value)));
        listener.Start();
        using Stranger stranger = _hosts.Connect(0);
        stranger.Say(new byte[Hello.Size]);
        Assert.True(stranger.IsClosed());
        _hosts.WaitUntilRefused(0, ConnectionRefusal.Malformed);
        Assert.Contains(("data", "malformed"), reasons);
    }

    private byte[] Greeting(CommunicatorSpec? spec = null, StreamKind stream = StreamKind.Data)
    {
        byte[] greeting = new byte[Hello.Size];
        new Hello(CommunicatorIdentity.Of("default", spec ?? _hosts.Spec(1)), 1, 0, stream, HandshakeProof.Nonce()).Write(greeting);
        return greeting;
    }

    private static byte[] Prove(Stranger stranger, byte[] greeting, out byte[] answer)
    {
        stranger.Say(greeting);
        byte[] challenge = stranger.Hear(HandshakeProof.AnswerSize);
        byte[] proof = Ours.Of(HandshakeSide.Dialer, greeting, challenge);
        stranger.Say(proof);
        answer = stranger.Hear(HandshakeProof.AnswerSize);
        return proof;
    }

    private static void Gather(ICommunicator rank) =>
        rank.AllGather(new PinnedMemory<int>(2).Span, new PinnedMemory<int>(2 * rank.Size).Span);
}
