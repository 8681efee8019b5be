using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MoEActors.Benchmarks.Exchange;

/// <summary>
/// Plain sockets between the same processes, pairs and directions as a communicator's: what the machine can do when nobody says what bytes mean. Every connection
/// has a thread that sends and one that receives, and nothing waits for a round to end.
/// </summary>
internal sealed class SocketBlast : IDisposable
{
    /// <summary>Connections of every pair.</summary>
    public const int Connections = 4;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _rank;
    private readonly Socket[][] _sockets;

    /// <summary>Listens.</summary>
    public SocketBlast(int rank, int size)
    {
        _rank = rank;
        _sockets = [.. Enumerable.Range(0, size).Select(_ => new Socket[Connections])];
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(size * Connections);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Place => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Connects all pairs.</summary>
    public void Connect(IReadOnlyList<IPEndPoint> places)
    {
        byte[] claim = new byte[2];
        for (int peer = 0; peer < _rank; peer++)
        {
            for (int i = 0; i < Connections; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Connect(places[peer]);
                socket.Send([(byte)_rank, (byte)i]);
                _sockets[peer][i] = socket;
            }
        }

        for (int left = (_sockets.Length - 1 - _rank) * Connections; left > 0; left--)
        {
            Socket socket = _listener.Accept();
            socket.NoDelay = true;
            Receive(socket, claim);
            _sockets[claim[0]][claim[1]] = socket;
        }
    }

    /// <summary>Sends so many bytes to every other rank, and receives as many from each, some times over.</summary>
    public void Blast(int bytes, int rounds, int connections)
    {
        int share = Math.Max(1, bytes / connections);
        Thread[] threads =
        [
            .. from peer in Enumerable.Range(0, _sockets.Length)
               where peer != _rank
               from socket in _sockets[peer].Take(connections)
               from direction in (Action<byte[]>[])[buffer => socket.Send(buffer), buffer => Receive(socket, buffer)]
               select new Thread(() =>
               {
                   byte[] buffer = GC.AllocateUninitializedArray<byte>(share, pinned: true);
                   for (int round = 0; round < rounds; round++)
                   {
                       direction(buffer);
                   }
               }),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    /// <summary>Ranks 0 and 1 send a byte there and back, some times over; the others do nothing.</summary>
    public void PingPong(int rounds)
    {
        byte[] one = new byte[1];
        for (int round = 0; round < rounds && _rank < 2; round++)
        {
            Socket socket = _sockets[1 - _rank][0];
            if (_rank == 0)
            {
                socket.Send(one);
                Receive(socket, one);
            }
            else
            {
                Receive(socket, one);
                socket.Send(one);
            }
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Socket? socket in _sockets.SelectMany(peer => peer))
        {
            socket?.Dispose();
        }
    }

    private static void Receive(Socket socket, Span<byte> target)
    {
        while (!target.IsEmpty)
        {
            int count = socket.Receive(target);
            if (count == 0)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"A rank has gone; {target.Length} bytes are missing."));
            }

            target = target[count..];
        }
    }
}
