using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Another rank's part in an operation, as it comes from there. Its header and counts are compared with this rank's before an element is taken, so that what
/// comes has a place, and no more memory is needed than the caller has given.
/// </summary>
internal sealed class FrameReceiver(Socket socket, int rank, int peer, int size) : IDisposable
{
    private readonly PieceList _pieces = new();
    private readonly CountList _expected = new();
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(DataStream.Gathered);
    private int _start;
    private int _end;
    private int _countsSeen;
    private FrameHeader _mine;
    private Stage _stage = Stage.Done;
    private bool _waits;
    private volatile bool _arrived;
    private volatile bool _done;

    /// <summary>What the next bytes are.</summary>
    private enum Stage
    {
        Header,
        Counts,
        Elements,
        Agreement,
        Done,
    }

    /// <summary>Whether the rank has arrived in the operation. From any thread.</summary>
    public bool HasArrived => _arrived;

    /// <summary>Whether the rank has done its part in the operation. From any thread.</summary>
    public bool IsDone => _done;

    /// <summary>Whether header and counts agree with this rank's.</summary>
    public bool IsVerified => _stage > Stage.Counts;

    /// <summary>Whether the rank adds something to a sum. Known when it has been verified.</summary>
    public bool Contributes { get; private set; }

    /// <summary>Pieces that have arrived whole.</summary>
    public int Arrived => _pieces.Done;

    /// <summary>Whether something is to come that has not.</summary>
    public bool Waits => _waits && _stage != Stage.Done && !IsHeldBack;

    /// <summary>Whether the connection has ended.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether something other than frames has come.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>How the ranks disagree; null while they do not.</summary>
    public string? Disagreement { get; private set; }

    private bool IsHeldBack => _stage == Stage.Elements && _pieces.IsPaused && !_pieces.IsDone;

    /// <summary>Begins an operation: the pieces and counts that this rank expects are added next.</summary>
    public void Begin()
    {
        _pieces.Clear();
        _expected.Clear();
        _arrived = false;
        _done = false;
    }

    /// <summary>Adds memory to be filled.</summary>
    public void Add(nint address, long bytes) => _pieces.Add(address, bytes);

    /// <summary>Adds memory to be filled that counts by itself.</summary>
    public void AddApart(nint address, long bytes) => _pieces.AddApart(address, bytes);

    /// <summary>Lets only so many pieces arrive for now.</summary>
    public void Limit(int pieces) => _pieces.Limit(pieces);

    /// <summary>Expects a segment of so many elements.</summary>
    public void Expect(int count) => _expected.Add(count);

    /// <summary>Everything has been added.</summary>
    public void Start(long sequence, in OperationDescription description)
    {
        _mine = new FrameHeader(sequence, description, _expected.Length);
        _countsSeen = 0;
        _stage = Stage.Header;
    }

    /// <summary>Something has come.</summary>
    public void Resume() => _waits = false;

    /// <summary>Receives what has come.</summary>
    /// <returns>Whether anything has.</returns>
    public bool TryReceive()
    {
        bool moved = false;
        while (_stage != Stage.Done && !IsHeldBack && Disagreement is null && !IsClosed && !IsMalformed)
        {
            if (_stage == Stage.Elements && _pieces.IsDone)
            {
                _stage = Stage.Agreement;
            }
            else if (TakeBuffered() || (!_waits && Read()))
            {
                moved = true;
            }
            else
            {
                break;
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

    /// <summary>Reads from the connection: into the caller's memory where a large piece is next, else into the buffer.</summary>
    private bool Read()
    {
        bool direct = _stage == Stage.Elements && _start == _end && _pieces.Left >= DataStream.Direct;
        if (!direct && _start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        Span<byte> target = direct ? _pieces.Next(DataStream.Stride) : _buffer.AsSpan(_end, DataStream.Gathered - _end);
        int count = socket.Receive(target, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            _waits = true;
            return false;
        }

        if (error != SocketError.Success || count == 0)
        {
            IsClosed = true;
            return false;
        }

        // What has not come yet will be waited for: asking again would be a call in vain.
        _waits = count < target.Length;
        if (direct)
        {
            _pieces.Advance(count);
        }
        else
        {
            _end += count;
        }

        return true;
    }

    private bool TakeBuffered()
    {
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(_start, _end - _start);
        int taken = _stage switch
        {
            Stage.Header when bytes.Length >= FrameHeader.Size => TakeHeader(bytes),
            Stage.Counts when bytes.Length >= sizeof(int) => TakeCounts(bytes),
            Stage.Elements when bytes.Length > 0 => TakeElements(bytes),
            Stage.Agreement when bytes.Length >= AgreedFrame.Size => TakeAgreement(bytes),
            _ => 0,
        };
        _start += taken;
        return taken > 0;
    }

    private int TakeHeader(ReadOnlySpan<byte> bytes)
    {
        if (!FrameHeader.TryRead(bytes, size, out FrameHeader theirs) || theirs.Sequence != _mine.Sequence)
        {
            IsMalformed = true;
            return 0;
        }

        _arrived = true;
        Contributes = theirs.Description.Contributes;
        Disagreement = OperationDescription.Difference(rank, _mine.Description, peer, theirs.Description)
            ?? (theirs.Segments == _mine.Segments ? null : SegmentMatching.OtherNumber(peer, theirs.Segments, rank, _mine.Segments));
        if (!Contributes)
        {
            _pieces.Clear();
        }

        _stage = _mine.Segments == 0 ? Stage.Elements : Stage.Counts;
        return FrameHeader.Size;
    }

    private int TakeCounts(ReadOnlySpan<byte> bytes)
    {
        int taken = 0;
        while (_countsSeen < _expected.Length && bytes.Length - taken >= sizeof(int))
        {
            int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[taken..]);
            if (count != _expected[_countsSeen])
            {
                Disagreement = SegmentMatching.OtherCount(_countsSeen, peer, count, rank, _expected[_countsSeen]);
                break;
            }

            _countsSeen++;
            taken += sizeof(int);
        }

        _stage = _countsSeen == _expected.Length ? Stage.Elements : Stage.Counts;
        return taken;
    }

    private int TakeElements(ReadOnlySpan<byte> bytes)
    {
        Span<byte> target = _pieces.Next(bytes.Length);
        bytes[..target.Length].CopyTo(target);
        _pieces.Advance(target.Length);
        return target.Length;
    }

    private int TakeAgreement(ReadOnlySpan<byte> bytes)
    {
        if (!AgreedFrame.Is(bytes, _mine.Sequence))
        {
            IsMalformed = true;
            return 0;
        }

        _stage = Stage.Done;
        _done = true;
        return AgreedFrame.Size;
    }
}
