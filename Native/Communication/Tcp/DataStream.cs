using System.Net.Sockets;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The data connection to one rank, as the executor uses it within an operation: it sends and receives what the connection takes at the moment, and never
/// waits. Large pieces go straight from the memory of the caller and into it; small ones, and what frames need, are gathered in a buffer, as a call to the
/// system costs more than the copy.
/// </summary>
internal sealed class DataStream(Socket socket, int rank, int peer, int size) : IDisposable
{
    /// <summary>Bytes that are gathered.</summary>
    public const int Gathered = 16 * 1024;

    /// <summary>Pieces of so many bytes are not gathered.</summary>
    public const int Direct = Gathered / 4;

    /// <summary>The most bytes in one call to the system, before the other connections have their turn.</summary>
    public const int Stride = 1024 * 1024;

    /// <summary>The socket, to wait for.</summary>
    public Socket Socket => socket;

    /// <summary>The rank at the other end.</summary>
    public int Peer => peer;

    /// <summary>What goes there.</summary>
    public FrameSender Sender { get; } = new(socket);

    /// <summary>What comes from there.</summary>
    public FrameReceiver Receiver { get; } = new(socket, rank, peer, size);

    /// <summary>Whether nothing is left to send or to receive in the operation.</summary>
    public bool IsFinished => Receiver.IsDone && Sender.IsDone;

    /// <summary>Whether the connection has ended.</summary>
    public bool IsClosed => Receiver.IsClosed || Sender.IsClosed;

    /// <summary>Begins an operation.</summary>
    public void Begin()
    {
        Sender.Begin();
        Receiver.Begin();
    }

    /// <summary>Ends a wait for this connection. From any thread.</summary>
    public void Interrupt()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    /// <summary>Closes the connection. Not within an operation.</summary>
    public void Dispose()
    {
        socket.Dispose();
        Sender.Dispose();
        Receiver.Dispose();
    }
}

/// <summary>Numbers that are added one by one, in memory that is kept.</summary>
internal sealed class CountList
{
    private int[] _counts = new int[16];

    /// <summary>How many there are.</summary>
    public int Length { get; private set; }

    /// <summary>The number at an index.</summary>
    public int this[int index] => _counts[index];

    /// <summary>Forgets them.</summary>
    public void Clear() => Length = 0;

    /// <summary>Adds one.</summary>
    public void Add(int count)
    {
        if (Length == _counts.Length)
        {
            Array.Resize(ref _counts, 2 * Length);
        }

        _counts[Length++] = count;
    }
}
