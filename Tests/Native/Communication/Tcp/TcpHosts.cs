using System.Net;
using System.Net.Sockets;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Native.Communication.Tcp;

/// <summary>Hosts with one rank each, as in processes of their own, and what tests do to them.</summary>
internal sealed class TcpHosts : IDisposable
{
    public const string Secret = "a secret of a cluster in a test";

    private readonly List<IDisposable> _owned = [];

    /// <summary>The hosts, by rank.</summary>
    public required TcpCommunicatorProvider[] Hosts { get; init; }

    /// <summary>The members, by rank.</summary>
    public required CommunicatorMember[] Members { get; init; }

    /// <summary>Starts hosts.</summary>
    /// <param name="count">How many.</param>
    /// <param name="configure">Changes the options of one.</param>
    /// <param name="reach">Where others reach a host; where it listens unless given.</param>
    public static TcpHosts Start(int count, Action<int, TcpOptions>? configure = null, Func<int, EndPoint, EndPoint>? reach = null)
    {
        TcpCommunicatorProvider[] hosts =
        [
            .. Enumerable.Range(0, count).Select(host =>
            {
                var options = new TcpOptions { Secret = Secret };
                configure?.Invoke(host, options);
                return new TcpCommunicatorProvider(options);
            }),
        ];
        return new TcpHosts
        {
            Hosts = hosts,
            Members = [.. hosts.Select((host, rank) => new CommunicatorMember(rank, $"host-{rank}", 0, reach?.Invoke(rank, host.EndPoint) ?? host.EndPoint))],
        };
    }

    /// <summary>What a rank opens.</summary>
    public CommunicatorSpec Spec(int rank, TimeSpan? liveness = null, TimeSpan? progress = null) =>
        CommunicatorGroup.Spec(Members, rank, progress) with { LivenessDeadline = liveness ?? CommunicatorSpec.DefaultLivenessDeadline };

    /// <summary>Opens all ranks and waits until they are connected.</summary>
    public ICommunicator[] Open(TimeSpan? liveness = null, TimeSpan? progress = null)
    {
        ICommunicator[] ranks = [.. Hosts.Select((host, rank) => host.Open(Spec(rank, liveness, progress)))];
        _owned.AddRange(ranks);
        Array.ForEach(ranks, CommunicatorGroup.WaitUntilConnected);
        return ranks;
    }

    /// <summary>Waits until a host has refused something for a reason.</summary>
    public void WaitUntilRefused(int host, ConnectionRefusal reason, long times = 1) =>
        Assert.True(
            SpinWait.SpinUntil(() => Hosts[host].Counters.Refused[reason] >= times, Deadline.Patience),
            $"Host {host} has refused {Hosts[host].Counters.Refused[reason]} connections as {reason}, not {times}.");

    /// <summary>A connection to a host, by somebody who may be anybody.</summary>
    public Stranger Connect(int host)
    {
        var stranger = new Stranger((IPEndPoint)Hosts[host].EndPoint);
        _owned.Add(stranger);
        return stranger;
    }

    public void Dispose()
    {
        _owned.ForEach(one => one.Dispose());
        Array.ForEach(Hosts, host => host.Dispose());
    }
}

/// <summary>A blocking connection that says what a test says.</summary>
internal sealed class Stranger : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public Stranger(IPEndPoint place)
    {
        _socket.ReceiveTimeout = (int)Deadline.Patience.TotalMilliseconds;
        _socket.Connect(place);
    }

    public void Say(ReadOnlySpan<byte> bytes) => _socket.Send(bytes);

    public byte[] Hear(int bytes)
    {
        byte[] heard = new byte[bytes];
        int count = 0;
        while (count < bytes)
        {
            int some = _socket.Receive(heard.AsSpan(count));
            if (some == 0)
            {
                break;
            }

            count += some;
        }

        return heard[..count];
    }

    /// <summary>Whether the other side has closed the connection, now or soon.</summary>
    public bool IsClosed()
    {
        try
        {
            byte[] rest = new byte[256];
            while (_socket.Receive(rest) > 0)
            {
            }

            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return true;
        }
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>A place between two hosts that passes on what it gets, until it is told to stop: then it is as if the cable had been cut.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Connection> _connections = [];
    private readonly EndPoint _target;
    private readonly int _chunk;
    private readonly long _cutAfter;

    /// <param name="target">Where it passes things on to.</param>
    /// <param name="chunk">The most bytes that it passes on at once.</param>
    /// <param name="cutAfter">Bytes after which a connection is cut, as soon as so many have passed in both directions.</param>
    public Relay(EndPoint target, int chunk = 64 * 1024, long cutAfter = long.MaxValue)
    {
        _target = target;
        _chunk = chunk;
        _cutAfter = cutAfter;
        _listener.Start();
        EndPoint = _listener.LocalEndpoint;
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public EndPoint EndPoint { get; }

    /// <summary>Passes nothing on any more over the first of its connections, and closes nothing.</summary>
    public void Cut(int connections = int.MaxValue)
    {
        lock (_connections)
        {
            _connections.Take(connections).ToList().ForEach(connection => connection.Open.Reset());
        }
    }

    /// <summary>Closes everything, without a word.</summary>
    public void Kill()
    {
        lock (_connections)
        {
            foreach (Connection connection in _connections)
            {
                connection.Open.Set();

                // A reset, as by a process that is no more.
                connection.Near.LingerState = connection.Far.LingerState = new LingerOption(true, 0);
                connection.Near.Dispose();
                connection.Far.Dispose();
            }

            _connections.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Kill();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket near = _listener.AcceptSocket();
                var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                far.Connect(_target);
                var connection = new Connection(near, far);
                lock (_connections)
                {
                    _connections.Add(connection);
                }

                new Thread(() => Pass(connection, near, far, ref connection.Forth)) { IsBackground = true }.Start();
                new Thread(() => Pass(connection, far, near, ref connection.Back)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private void Pass(Connection connection, Socket from, Socket to, ref long passed)
    {
        byte[] bytes = new byte[_chunk];
        try
        {
            while (from.Receive(bytes) is int count && count > 0)
            {
                connection.Open.Wait();
                to.Send(bytes.AsSpan(0, count));
                Interlocked.Add(ref passed, count);
                if (Math.Min(Interlocked.Read(ref connection.Forth), Interlocked.Read(ref connection.Back)) >= _cutAfter)
                {
                    connection.Open.Reset();
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private sealed class Connection(Socket near, Socket far)
    {
        public long Forth;
        public long Back;

        public Socket Near => near;

        public Socket Far => far;

        public ManualResetEventSlim Open { get; } = new(true);
    }
}
