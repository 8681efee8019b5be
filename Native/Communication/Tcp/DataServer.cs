using System.Net;
using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Where a process accepts connections, and the communicators that they belong to. A connection that has proved who it is before its communicator is opened
/// here waits for it; one that waits for too long belongs to another view.
/// </summary>
internal sealed class DataServer : IDisposable
{
    /// <summary>Communicators that have ended here and whose end is still told to who comes late.</summary>
    private const int Remembered = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<(Digest Key, int Rank), PeerConnections> _open = [];
    private readonly Dictionary<(Digest Key, int Rank), Failure> _ended = [];
    private readonly Queue<(Digest Key, int Rank)> _endedInOrder = [];
    private readonly List<ParkedConnection> _parked = [];
    private readonly HashSet<AcceptingHandshake> _handshakes = [];
    private readonly TcpOptions _options;
    private readonly IoThread _io;
    private readonly DataPlaneLog _log;
    private readonly Listener _listener;
    private bool _disposed;

    /// <summary>Listens.</summary>
    /// <exception cref="InvalidOperationException">It cannot listen there.</exception>
    public DataServer(TcpOptions options, IoThread io, DataPlaneLog log)
    {
        _options = options;
        _io = io;
        _log = log;
        Proof = new HandshakeProof(options.Secret is null ? ClusterSecret.None : ClusterSecret.From(options.Secret), options.ClusterId);
        var socket = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (options.Listen.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(options.Listen);
            socket.Listen(512);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new InvalidOperationException($"The data server cannot listen on {options.Listen}: {e.Message}. Choose another port, or 0 for any that is free.", e);
        }

        socket.Blocking = false;
        var bound = (IPEndPoint)socket.LocalEndPoint!;
        EndPoint = options.Advertise switch
        {
            IPEndPoint { Port: 0 } address => new IPEndPoint(address.Address, bound.Port),
            DnsEndPoint { Port: 0 } name => new DnsEndPoint(name.Host, bound.Port),
            { } other => other,
            null => bound,
        };
        _listener = new Listener(this, socket);
        io.Post(() => io.Add(_listener));
    }

    /// <summary>Where the others reach it.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>What has come and gone.</summary>
    public TcpCounters Counters { get; } = new();

    /// <summary>What this process proves in handshakes.</summary>
    public HandshakeProof Proof { get; }

    /// <summary>How long a handshake may take.</summary>
    public TimeSpan HandshakeDeadline => _options.HandshakeDeadline;

    /// <summary>A connection is refused.</summary>
    public void Refuse(ConnectionRefusal reason, Socket socket) => Refuse(reason, Remote(socket));

    /// <inheritdoc cref="Refuse(ConnectionRefusal, Socket)" />
    public void Refuse(ConnectionRefusal reason, EndPoint? remote)
    {
        Counters.Refused.Count(reason);
        _log.Refused(reason, remote);
    }

    /// <summary>A rank can be reached no more.</summary>
    public void Lose(CommunicatorSpec communicator, string what)
    {
        Counters.Lose();
        _log.Lost(communicator, what);
    }

    /// <summary>A rank opens its communicator: connections that wait for it are its own from now on.</summary>
    /// <exception cref="InvalidOperationException">The rank is open already, or another one here with other members.</exception>
    public void Register(PeerConnections connections)
    {
        (Digest Key, int Rank) key = (connections.Identity.Key, connections.Spec.Rank);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_open.Values.FirstOrDefault(other => other.Identity.Key == key.Key && other.Identity != connections.Identity) is { } differing)
            {
                throw connections.Spec.DifferFrom(differing.Spec);
            }

            if (!_open.TryAdd(key, connections))
            {
                throw new InvalidOperationException(
                    $"Rank {key.Rank} of the {connections.Spec} has been opened before; two workers claim one rank.");
            }

            _ended.Remove(key);
        }

        _io.Post(() => TakeParked(key));
    }

    /// <summary>A rank has disposed its communicator. Who comes late is told why it ended.</summary>
    public void Unregister(PeerConnections connections, Failure failure)
    {
        (Digest Key, int Rank) key = (connections.Identity.Key, connections.Spec.Rank);
        lock (_lock)
        {
            if (_open.GetValueOrDefault(key) != connections)
            {
                return;
            }

            _open.Remove(key);
            if (_ended.TryAdd(key, failure))
            {
                _endedInOrder.Enqueue(key);
            }

            while (_endedInOrder.Count > Remembered)
            {
                _ended.Remove(_endedInOrder.Dequeue());
            }
        }
    }

    /// <summary>Why a connection that has proved who it is cannot be taken; null when it can. On the I/O thread, as everything below.</summary>
    public ConnectionRefusal? Refusal(in Hello claim)
    {
        (Digest Key, int Rank) key = (claim.Identity.Key, claim.To);
        lock (_lock)
        {
            if (_open.TryGetValue(key, out PeerConnections? open))
            {
                return open.Identity != claim.Identity || claim.From >= open.Size ? ConnectionRefusal.Members
                    : open.Has(claim.From, claim.Stream) ? ConnectionRefusal.Duplicate
                    : null;
            }

            return !_ended.ContainsKey(key) && _parked.Count >= _options.MaxParked ? ConnectionRefusal.Parked : null;
        }
    }

    /// <summary>Takes a connection that has proved who it is.</summary>
    public void Take(in Hello claim, Socket socket)
    {
        Counters.Accept();
        (Digest Key, int Rank) key = (claim.Identity.Key, claim.To);
        PeerConnections? open;
        Failure? end;
        lock (_lock)
        {
            open = _open.GetValueOrDefault(key);
            end = _ended.GetValueOrDefault(key);
        }

        if (open is not null)
        {
            open.Attach(claim.From, claim.Stream, socket);
        }
        else if (end is not null)
        {
            if (claim.Stream == StreamKind.Control)
            {
                socket.Send(ControlFrame.Of(end), SocketFlags.None, out _);
            }

            socket.Dispose();
        }
        else
        {
            Park(claim, socket);
        }
    }

    /// <summary>A connection is no longer saying who it is.</summary>
    public void Leaves(AcceptingHandshake handshake) => _handshakes.Remove(handshake);

    /// <summary>Ends what is open here. Closing sockets is the I/O thread's.</summary>
    public void Dispose()
    {
        PeerConnections[] open;
        lock (_lock)
        {
            _disposed = true;
            open = [.. _open.Values];
        }

        foreach (PeerConnections connections in open)
        {
            connections.Fail(new Failure($"the data server of rank {connections.Spec.Rank} is stopping.", [], null));
        }

        _io.Post(() => _parked.ForEach(parked => parked.Socket.Dispose()));
    }

    private static EndPoint? Remote(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Whoever it was has gone.
            return null;
        }
    }

    private void Park(in Hello claim, Socket socket)
    {
        // Nothing has been done with an earlier one of the same ranks: whoever made it has tried again.
        Hello newer = claim;
        _parked.RemoveAll(parked =>
        {
            bool isOlder = parked.Claim with { Nonce = newer.Nonce } == newer;
            if (isOlder)
            {
                parked.Socket.Dispose();
            }

            return isOlder;
        });
        _parked.Add(new ParkedConnection(claim, socket, IoThread.Now + (long)_options.ParkingDeadline.TotalMilliseconds));
        _listener.Look(_parked[^1].Expires);
    }

    private void TakeParked((Digest Key, int Rank) key)
    {
        foreach (ParkedConnection parked in _parked.Where(parked => (parked.Claim.Identity.Key, parked.Claim.To) == key).ToArray())
        {
            _parked.Remove(parked);
            if (Refusal(parked.Claim) is { } refusal)
            {
                Refuse(refusal, parked.Socket);
                parked.Socket.Dispose();
            }
            else
            {
                PeerConnections? open;
                lock (_lock)
                {
                    open = _open.GetValueOrDefault(key);
                }

                if (open is null)
                {
                    parked.Socket.Dispose();
                }
                else
                {
                    open.Attach(parked.Claim.From, parked.Claim.Stream, parked.Socket);
                }
            }
        }
    }

    /// <summary>Closes what has waited for too long.</summary>
    /// <returns>When to look again.</returns>
    private long DropExpired(long now)
    {
        foreach (ParkedConnection parked in _parked.Where(parked => parked.Expires <= now).ToArray())
        {
            _parked.Remove(parked);
            Refuse(ConnectionRefusal.Unopened, parked.Socket);
            parked.Socket.Dispose();
        }

        return _parked.Count == 0 ? IoSocket.Never : _parked.Min(parked => parked.Expires);
    }

    private void Accept(Socket socket)
    {
        if (_handshakes.Count >= _options.MaxHandshakes)
        {
            Refuse(ConnectionRefusal.Crowd, socket);
            socket.Dispose();
            return;
        }

        socket.Blocking = false;
        socket.NoDelay = true;
        var handshake = new AcceptingHandshake(this, _io, socket, Proof, HandshakeDeadline);
        _handshakes.Add(handshake);
        _io.Add(handshake);
    }

    /// <summary>A connection that has proved who it is and whose communicator is not open here.</summary>
    private sealed record ParkedConnection(Hello Claim, Socket Socket, long Expires);

    /// <summary>The socket that listens. It also looks after what waits.</summary>
    private sealed class Listener(DataServer server, Socket socket) : IoSocket(socket)
    {
        /// <summary>Milliseconds until it listens again when the system had no room for a connection.</summary>
        private const int Pause = 100;

        /// <summary>Something that waits has to be looked at then.</summary>
        public void Look(long due) => Due = Math.Min(Due, due);

        public override void OnReadable() => server.Accept(Socket.Accept());

        public override void OnBroken(SocketError error)
        {
            // Whoever was there has gone again, or the process has as many files as it may: then it would be asked again at once.
            WantsToRead = false;
            Look(IoThread.Now + Pause);
        }

        public override void OnDue(long now)
        {
            WantsToRead = true;
            Due = server.DropExpired(now);
        }
    }
}
