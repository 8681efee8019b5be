using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The connections of one rank of a communicator to all the others, and whether it is alive. A failure is told to every rank by whoever learns of it, so that one
/// that only some of them notice ends all.
/// </summary>
internal sealed class PeerConnections : IDisposable
{
    private readonly object _lock = new();
    private readonly DataStream?[] _streams;
    private readonly ControlChannel?[] _controls;
    private readonly string?[] _troubles;
    private readonly bool[] _silent;
    private readonly Connector[] _connectors;
    private readonly DataServer _server;
    private readonly IoThread _io;
    private readonly TimeProvider _time;
    private readonly ProgressWatch _watch;
    private volatile Failure? _failure;
    private Action<Failure>? _told;
    private IDisposable? _kept;
    private CollectiveOperation _operation;
    private long _since = ProgressWatch.NoWait;
    private int _absent;
    private bool _busy;
    private bool _disposed;

    public PeerConnections(CommunicatorSpec spec, CommunicatorIdentity identity, DataServer server, IoThread io, TimeProvider time)
    {
        Spec = spec;
        Identity = identity;
        _server = server;
        _io = io;
        _time = time;
        _streams = new DataStream?[spec.Size];
        _controls = new ControlChannel?[spec.Size];
        _troubles = new string?[spec.Size];
        _silent = new bool[spec.Size];
        TimeSpan answer = server.HandshakeDeadline < spec.LivenessDeadline ? server.HandshakeDeadline : spec.LivenessDeadline;
        _absent = 2 * (spec.Size - 1);
        _watch = new ProgressWatch(_lock, spec.ProgressDeadline, time, Waiting, Expire);
        _connectors =
        [
            .. from peer in Enumerable.Range(0, spec.Rank)
               from stream in new[] { StreamKind.Control, StreamKind.Data }
               select new Connector(
                   io, this, new Hello(identity, spec.Rank, peer, stream, default), spec.Members[peer].EndPoint!, server.Proof, answer),
        ];
    }

    /// <summary>What was opened.</summary>
    public CommunicatorSpec Spec { get; }

    /// <summary>Which communicator it is.</summary>
    public CommunicatorIdentity Identity { get; }

    /// <summary>Number of ranks.</summary>
    public int Size => Spec.Size;

    /// <summary>Whether it has ended.</summary>
    public bool IsDead => _failure is not null;

    /// <summary>Why it has ended; null while it lives.</summary>
    public Failure? Failure => _failure;

    /// <summary>Whether all connections are there.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_lock)
            {
                return _absent == 0;
            }
        }
    }

    /// <summary>The data connection to a rank, when an operation has been entered.</summary>
    public DataStream this[int peer] => _streams[peer]!;

    /// <summary>Keeps memory that operations use as long as the connections: whoever disposes of a rank may do so while its executor is inside one.</summary>
    public T Keep<T>(T memory)
        where T : class, IDisposable
    {
        _kept = memory;
        return memory;
    }

    /// <summary>Connects to the ranks before this one; those behind it connect by themselves.</summary>
    public void Connect() => Array.ForEach(_connectors, connector => connector.Start());

    /// <summary>Whether a connection is there.</summary>
    public bool Has(int peer, StreamKind stream)
    {
        lock (_lock)
        {
            return stream == StreamKind.Control ? _controls[peer] is not null : _streams[peer] is not null;
        }
    }

    /// <summary>A connection is there. On the I/O thread.</summary>
    public void Attach(int peer, StreamKind stream, Socket socket)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                socket.Dispose();
                return;
            }

            if (stream == StreamKind.Control)
            {
                var control = new ControlChannel(this, _io, socket, peer, Spec.LivenessDeadline);
                _controls[peer] = control;
                _io.Add(control);
                if (_failure is { } failure)
                {
                    control.Tell(failure);
                }
            }
            else
            {
                _streams[peer] = new DataStream(socket, Spec.Rank, peer, Size);
            }

            if (--_absent == 0)
            {
                Monitor.PulseAll(_lock);
            }
        }
    }

    /// <summary>Enters an operation, as soon as all connections are there.</summary>
    /// <exception cref="CommunicatorException">The communicator is dead.</exception>
    /// <exception cref="ObjectDisposedException">This rank has disposed it.</exception>
    public void Enter(CollectiveOperation operation)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(TcpCommunicator));
            _operation = operation;
            ThrowIfDead();
            _busy = true;
            Volatile.Write(ref _since, _time.GetTimestamp());
            while (_absent > 0 && _failure is null)
            {
                _watch.Start();
                Monitor.Wait(_lock);
            }
        }
    }

    /// <summary>Leaves an operation, well or not.</summary>
    public void Exit()
    {
        lock (_lock)
        {
            Volatile.Write(ref _since, ProgressWatch.NoWait);
            _busy = false;
            if (_disposed)
            {
                CloseStreams();
            }
        }
    }

    /// <summary>This rank is about to wait for others.</summary>
    public void Watch()
    {
        lock (_lock)
        {
            _watch.Start();
        }
    }

    /// <summary>All ranks are there, and something has moved: the deadline counts anew.</summary>
    public void Progress() => Volatile.Write(ref _since, _time.GetTimestamp());

    /// <summary>Whom to tell, beside the other ranks, when it ends.</summary>
    public void WhenFailed(Action<Failure> told)
    {
        lock (_lock)
        {
            _told += told;
            if (_failure is { } failure)
            {
                told(failure);
            }
        }
    }

    /// <summary>Ends the communicator on every rank. The first failure wins and is returned. From any thread.</summary>
    public Failure Fail(Failure failure)
    {
        lock (_lock)
        {
            if (_failure is { } first)
            {
                return first;
            }

            _failure = failure;
            Monitor.PulseAll(_lock);
            _told?.Invoke(failure);

            // In this order: whoever finds a data connection closed waits to be told why.
            Array.ForEach(_controls, control => control?.Tell(failure));
            Array.ForEach(_streams, stream => stream?.Interrupt());
            return failure;
        }
    }

    /// <summary>What a call ends with, in the operation that was entered last.</summary>
    public CommunicatorException ExceptionOf(Failure failure) => failure.ToException(_operation, Spec.Rank, Size);

    /// <exception cref="CommunicatorException">The communicator is dead.</exception>
    public void ThrowIfDead()
    {
        if (_failure is { } failure)
        {
            throw ExceptionOf(failure);
        }
    }

    /// <summary>The data connection to a rank is closed: the control connection will say why, in a moment.</summary>
    public CommunicatorException Closed(int peer)
    {
        lock (_lock)
        {
            TimeSpan patience = Spec.LivenessDeadline;
            long begun = Environment.TickCount64;
            while (_failure is null && Environment.TickCount64 - begun is long waited && waited < patience.TotalMilliseconds)
            {
                Monitor.Wait(_lock, patience - TimeSpan.FromMilliseconds(waited));
            }
        }

        Lost(peer, "has closed its data connection");
        return ExceptionOf(_failure!);
    }

    /// <summary>A rank can be reached no more.</summary>
    public void Lost(int peer, string what)
    {
        if (!IsDead)
        {
            string words = $"{InWords(peer)} {what}.";
            _server.Lose(Spec, words);
            Fail(new Failure($"{words} Look at its log, then open a new view.", [peer], null));
        }
    }

    /// <summary>A rank does not let this one connect.</summary>
    public void Refused(int peer, string what) => Fail(new Failure($"{InWords(peer)} refuses rank {Spec.Rank}: it {what}.", [peer], null));

    /// <summary>Something other than frames has come from a rank.</summary>
    public Failure Malformed(int peer)
    {
        _server.Refuse(ConnectionRefusal.Frame, Spec.Members[peer].EndPoint);
        return Fail(new Failure($"what came from {InWords(peer)} is no frame: something between the hosts changes what is sent.", [], null));
    }

    /// <summary>A rank did not answer when this one connected. On the I/O thread, as what follows.</summary>
    public void NoteSilence(int peer) => _silent[peer] = true;

    /// <summary>Ranks do not answer when this one connects: they are cut off, or hang, or this one is.</summary>
    /// <param name="waited">How long one of them has been waited for.</param>
    public void Silent(TimeSpan waited)
    {
        if (IsDead)
        {
            return;
        }

        int[] missing = [.. Enumerable.Range(0, Size).Where(peer => _silent[peer] && !(Has(peer, StreamKind.Control) && Has(peer, StreamKind.Data)))];
        string words = $"{string.Join(" and ", missing.Select(InWords))} {(missing.Length == 1 ? "has" : "have")} not answered for {waited.TotalSeconds:0.###} s when rank {Spec.Rank} connected.";
        _server.Lose(Spec, words);
        Fail(new Failure($"{words} Look at the network between the hosts, then open a new view.", missing, null));
    }

    /// <summary>Why a connection has not been made yet.</summary>
    public void NoteTrouble(int peer, string trouble)
    {
        lock (_lock)
        {
            _troubles[peer] = trouble;
        }
    }

    /// <summary>Ends the communicator on every rank, and this rank's part in it.</summary>
    public void Dispose()
    {
        Failure end = Fail(Failure.Disposed(Spec.Rank));
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            if (!_busy)
            {
                CloseStreams();
            }
        }

        _server.Unregister(this, end);
        _watch.Dispose();
        _io.Post(() =>
        {
            Array.ForEach(_connectors, connector => connector.Cancel());
            Array.ForEach(_controls, control => control?.End());
        });
    }

    private string InWords(int peer)
    {
        CommunicatorMember member = Spec.Members[peer];
        return $"rank {peer} on host '{member.Host}' at {DataEndPoint.Format(member.EndPoint!)}";
    }

    private long Waiting() => _failure is null ? Volatile.Read(ref _since) : ProgressWatch.NoWait;

    private void Expire()
    {
        int[] others = [.. Enumerable.Range(0, Size).Where(peer => peer != Spec.Rank)];
        int[] missing = [.. others.Where(peer => _streams[peer] is null || _controls[peer] is null)];
        missing = missing.Length > 0 ? missing : [.. others.Where(peer => !_streams[peer]!.Receiver.HasArrived)];
        if (missing.Length == 0)
        {
            // Who has sent everything may still not take what it is sent.
            int[] stalled = [.. others.Where(peer => !_streams[peer]!.Receiver.IsDone)];
            Fail(Failure.Stalled(stalled.Length > 0 ? stalled : others, Spec.ProgressDeadline, Spec.Rank));
            return;
        }

        string[] troubles =
            [.. missing.Where(peer => _troubles[peer] is not null && _controls[peer] is null).Select(peer => $"{InWords(peer)} could not be connected: {_troubles[peer]}")];
        Fail(Failure.Missing(missing, Spec.ProgressDeadline, Spec.Rank, troubles.Length == 0 ? "" : $" {string.Join("; ", troubles)}."));
    }

    private void CloseStreams()
    {
        for (int peer = 0; peer < Size; peer++)
        {
            _streams[peer]?.Dispose();
            _streams[peer] = null;
        }

        _kept?.Dispose();
    }
}
