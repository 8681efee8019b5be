using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// One rank's part in an operation, as it goes to another: the header, the counts of segments, the elements, and that all ranks agree as soon as they do.
/// </summary>
internal sealed class FrameSender(Socket socket) : IDisposable
{
    private readonly PieceList _pieces = new();
    private readonly CountList _counts = new();
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(DataStream.Gathered);
    private int _start;
    private int _end;
    private int _countsGathered;
    private long _sequence;
    private bool _agreed;
    private bool _agreementGathered;

    /// <summary>Whether everything has been sent.</summary>
    public bool IsDone => _agreementGathered && _start == _end;

    /// <summary>Whether there is something to send for which the connection has no room.</summary>
    public bool Waits { get; private set; }

    /// <summary>Whether the connection has ended.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Begins an operation: its pieces and counts are added next.</summary>
    public void Begin()
    {
        _pieces.Clear();
        _counts.Clear();
        _countsGathered = 0;
        _agreed = false;
        _agreementGathered = false;
    }

    /// <summary>Adds memory to be sent.</summary>
    public void Add(nint address, long bytes) => _pieces.Add(address, bytes);

    /// <summary>Announces a segment of so many elements.</summary>
    public void Announce(int count) => _counts.Add(count);

    /// <summary>Everything has been added.</summary>
    public void Start(long sequence, in OperationDescription description)
    {
        _sequence = sequence;
        new FrameHeader(sequence, description, _counts.Length).Write(_buffer);
        _start = 0;
        _end = FrameHeader.Size;
    }

    /// <summary>The headers of all ranks agree.</summary>
    public void Agree() => _agreed = true;

    /// <summary>There is room again.</summary>
    public void Resume() => Waits = false;

    /// <summary>Sends what there is room for.</summary>
    /// <returns>Whether anything was sent.</returns>
    public bool TrySend()
    {
        bool moved = false;
        while (!Waits && !IsClosed)
        {
            Gather();
            bool gathered = _start < _end;
            if (!gathered && _pieces.IsDone)
            {
                break;
            }

            ReadOnlySpan<byte> next = gathered ? _buffer.AsSpan(_start, _end - _start) : _pieces.Next(DataStream.Stride);
            int sent = socket.Send(next, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                Waits = true;
                break;
            }

            if (error != SocketError.Success)
            {
                IsClosed = true;
                break;
            }

            moved = true;
            Waits = sent < next.Length;
            if (gathered)
            {
                _start += sent;
            }
            else
            {
                _pieces.Advance(sent);
            }
        }

        return moved;
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Copies behind one another what is not worth a call to the system of its own. A large piece fills the rest of the buffer.</summary>
    private void Gather()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }

        while (_countsGathered < _counts.Length)
        {
            if (DataStream.Gathered - _end < sizeof(int))
            {
                return;
            }

            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_end), _counts[_countsGathered++]);
            _end += sizeof(int);
        }

        while (!_pieces.IsDone)
        {
            int room = DataStream.Gathered - _end;
            if (room == 0 || (_end == 0 && _pieces.Left >= DataStream.Direct))
            {
                return;
            }

            ReadOnlySpan<byte> next = _pieces.Next(room);
            next.CopyTo(_buffer.AsSpan(_end));
            _end += next.Length;
            _pieces.Advance(next.Length);
        }

        if (_agreed && !_agreementGathered && DataStream.Gathered - _end >= AgreedFrame.Size)
        {
            AgreedFrame.Write(_buffer.AsSpan(_end), _sequence);
            _end += AgreedFrame.Size;
            _agreementGathered = true;
        }
    }
}
