using System.Net;
using System.Net.Sockets;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The thread that owns every socket of a process which no executor is using: it listens, shakes hands, sends signs of life and misses them. It waits in the
/// kernel for whichever is ready. Executors may compute for as long as they like meanwhile, and a busy thread pool delays nothing here.
/// </summary>
internal sealed class IoThread : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _posted = [];
    private readonly Dictionary<Socket, IoSocket> _sockets = [];
    private readonly List<Socket> _readable = [];
    private readonly List<Socket> _writable = [];
    private readonly Socket _wake = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Thread _thread;
    private volatile bool _ended;

    /// <summary>Starts the thread.</summary>
    public IoThread()
    {
        // A datagram socket that is connected to itself: the one thing of any system that both a thread can wait for and another can set.
        _wake.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _wake.Connect(_wake.LocalEndPoint!);
        _wake.Blocking = false;
        _thread = new Thread(Run) { IsBackground = true, Name = "moe data" };
        _thread.Start();
    }

    /// <summary>Now, in milliseconds.</summary>
    public static long Now => Environment.TickCount64;

    /// <summary>Runs work on the thread, soon. Does nothing after the end.</summary>
    public void Post(Action work)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _posted.Enqueue(work);
            Wake();
        }
    }

    /// <summary>Watches a socket from now on. On the thread only.</summary>
    public void Add(IoSocket socket) => _sockets.Add(socket.Socket, socket);

    /// <summary>Leaves a socket alone. On the thread only.</summary>
    public void Remove(IoSocket socket) => _sockets.Remove(socket.Socket);

    /// <summary>Ends the thread and closes what it watches. Not from the thread itself.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            Wake();
        }

        _thread.Join();
        _wake.Dispose();
    }

    private void Wake() => _wake.Send([1], SocketFlags.None, out _);

    private void Run()
    {
        while (true)
        {
            // In this order: the signal of the end may be among those that are taken here, and nothing would end a wait after it.
            RunPosted();
            if (_ended)
            {
                break;
            }

            Wait();
            _writable.ForEach(ready => Serve(ready, socket => socket.OnWritable()));
            _readable.ForEach(ready => Serve(ready, socket => socket.OnReadable()));
            long now = Now;
            foreach (IoSocket due in _sockets.Values.Where(socket => socket.Due <= now).ToArray())
            {
                Serve(due.Socket, socket => socket.OnDue(now));
            }
        }

        foreach (IoSocket socket in _sockets.Values)
        {
            socket.Socket.Dispose();
        }
    }

    /// <summary>Serves a socket that is still watched: it may have been removed by what came before it.</summary>
    private void Serve(Socket socket, Action<IoSocket> serve)
    {
        if (_sockets.TryGetValue(socket, out IoSocket? found))
        {
            try
            {
                serve(found);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                found.OnBroken((e as SocketException)?.SocketErrorCode ?? SocketError.OperationAborted);
            }
        }
    }

    private void Wait()
    {
        _readable.Clear();
        _writable.Clear();
        _readable.Add(_wake);
        long due = long.MaxValue;
        foreach (IoSocket socket in _sockets.Values)
        {
            due = Math.Min(due, socket.Due);
            if (socket.WantsToRead)
            {
                _readable.Add(socket.Socket);
            }

            if (socket.WantsToWrite)
            {
                _writable.Add(socket.Socket);
            }
        }

        int microseconds = due == long.MaxValue ? -1 : (int)Math.Clamp((due - Now) * 1000, 0, 60_000_000);
        Socket.Select(_readable, _writable, null, microseconds);
    }

    private void RunPosted()
    {
        Span<byte> signals = stackalloc byte[64];
        while (_wake.Receive(signals, SocketFlags.None, out SocketError error) > 0 && error == SocketError.Success)
        {
        }

        while (true)
        {
            Action? work;
            lock (_lock)
            {
                if (!_posted.TryDequeue(out work))
                {
                    return;
                }
            }

            work();
        }
    }
}

/// <summary>A socket that the I/O thread watches. Everything is called on that thread.</summary>
internal abstract class IoSocket(Socket socket)
{
    /// <summary>Never due.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The socket.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>When <see cref="OnDue"/> is to be called, by <see cref="IoThread.Now"/>.</summary>
    public long Due { get; protected set; } = Never;

    /// <summary>Whether it waits for something to come.</summary>
    public bool WantsToRead { get; protected set; } = true;

    /// <summary>Whether it waits for room to send.</summary>
    public virtual bool WantsToWrite => false;

    /// <summary>Something has come, or the connection has ended.</summary>
    public abstract void OnReadable();

    /// <summary>There is room to send.</summary>
    public virtual void OnWritable() { }

    /// <summary>It is due.</summary>
    public virtual void OnDue(long now) { }

    /// <summary>The system has no more use for it.</summary>
    public abstract void OnBroken(SocketError error);
}
