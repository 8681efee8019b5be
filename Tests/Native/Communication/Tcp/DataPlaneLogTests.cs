using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Native.Communication.Tcp;

/// <summary>What a data server says of those it refuses and of those it loses.</summary>
public sealed class DataPlaneLogTests
{
    private static CommunicatorSpec Spec => CommunicatorGroup.Spec(
        [new CommunicatorMember(0, "a", 0, new IPEndPoint(IPAddress.Loopback, 1)), new CommunicatorMember(1, "b", 0, new IPEndPoint(IPAddress.Loopback, 2))], 1);

    /// <summary>Strangers do not decide how much is logged.</summary>
    [Fact]
    public void What_is_refused_is_logged_once_and_then_counted()
    {
        var log = new Journal();
        using var host = new TcpCommunicatorProvider(new TcpOptions { Secret = TcpHosts.Secret }, log: log);
        for (int i = 1; i <= 3; i++)
        {
            using var stranger = new Stranger((IPEndPoint)host.EndPoint);
            stranger.Say(new byte[Hello.Size]);
            Assert.True(stranger.IsClosed());
            Assert.True(SpinWait.SpinUntil(() => host.Counters.Refused[ConnectionRefusal.Malformed] == i, Deadline.Patience));
        }

        byte[] old = new byte[Hello.Size];
        new Hello(CommunicatorIdentity.Of("default", Spec), 1, 0, StreamKind.Data, HandshakeProof.Nonce()).Write(old);
        old[4] = Hello.Version + 1;
        using (var stranger = new Stranger((IPEndPoint)host.EndPoint))
        {
            stranger.Say(old);
            Assert.True(stranger.IsClosed());
        }

        Assert.True(SpinWait.SpinUntil(() => host.Counters.Refused[ConnectionRefusal.Version] == 1, Deadline.Patience));
        Assert.True(SpinWait.SpinUntil(() => log.Events.Count == 2, Deadline.Patience));
        Assert.Equal([430, 430], log.Events.Select(one => one.Id));
        Assert.Contains("127.0.0.1", log.Events.ElementAt(0).Message, StringComparison.Ordinal);
        Assert.Contains("(Malformed)", log.Events.ElementAt(0).Message, StringComparison.Ordinal);
        Assert.Contains("(Version)", log.Events.ElementAt(1).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void How_many_were_not_logged_is_told_later()
    {
        var time = new FakeTimeProvider();
        var log = new Journal();
        var events = new DataPlaneLog(log, time);
        for (int i = 0; i < 5; i++)
        {
            events.Refused(ConnectionRefusal.Proof, new IPEndPoint(IPAddress.Loopback, i));
            events.Lost(Spec, "rank 0 has fallen silent.");
        }

        Assert.Equal([430, 431], log.Events.Select(one => one.Id));
        time.Advance(TimeSpan.FromSeconds(11));
        events.Refused(ConnectionRefusal.Proof, remote: null);
        Assert.Contains("; 4 more for this reason", log.Events.Last().Message, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromSeconds(11));
        events.Refused(ConnectionRefusal.Proof, remote: null);
        Assert.Contains("; 0 more for this reason", log.Events.Last().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_that_is_lost_is_named()
    {
        var log = new Journal();
        using var first = new TcpCommunicatorProvider();
        using var cable = new Relay(first.EndPoint);
        using var second = new TcpCommunicatorProvider(log: log);
        CommunicatorMember[] members = [new(0, "a", 0, cable.EndPoint), new(1, "b", 0, second.EndPoint)];
        using ICommunicator one = first.Open(CommunicatorGroup.Spec(members, 0)), other = second.Open(CommunicatorGroup.Spec(members, 1));
        CommunicatorGroup.WaitUntilConnected(one);
        CommunicatorGroup.WaitUntilConnected(other);
        cable.Kill();
        Assert.True(SpinWait.SpinUntil(() => !log.Events.IsEmpty, Deadline.Patience));
        (int id, string message) = log.Events.Single();
        Assert.Equal(431, id);
        Assert.Contains("rank 0 on host 'a' at 127.0.0.1:", message, StringComparison.Ordinal);
        Assert.Contains("has closed its", message, StringComparison.Ordinal);
    }

    private sealed class Journal : ILogger
    {
        public ConcurrentQueue<(int Id, string Message)> Events { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Enqueue((eventId.Id, formatter(state, exception)));
    }
}
