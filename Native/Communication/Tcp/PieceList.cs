namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Memory of a caller that travels over one connection, piece by piece, and how far it has come. Pieces that lie one behind the other are one. Nothing is allocated
/// once it has been as long as it gets.
/// </summary>
internal sealed unsafe class PieceList
{
    private (nint Address, long Bytes)[] _pieces = new (nint, long)[4];
    private int _count;
    private int _index;
    private long _offset;
    private int _limit;

    /// <summary>Whether nothing is left.</summary>
    public bool IsDone => _index == _count;

    /// <summary>Whether nothing may travel now: nothing is left, or the rest must wait.</summary>
    public bool IsPaused => _index == _count || _index >= _limit;

    /// <summary>Pieces that have travelled whole.</summary>
    public int Done => _index;

    /// <summary>Bytes of the piece that is travelling that are left.</summary>
    public long Left => _pieces[_index].Bytes - _offset;

    /// <summary>Begins anew, with no pieces and no limit.</summary>
    public void Clear()
    {
        _count = 0;
        _index = 0;
        _offset = 0;
        _limit = int.MaxValue;
    }

    /// <summary>Adds a piece.</summary>
    public void Add(nint address, long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        if (_count > 0 && _pieces[_count - 1] is var last && last.Address + last.Bytes == address)
        {
            _pieces[_count - 1].Bytes += bytes;
            return;
        }

        AddApart(address, bytes);
    }

    /// <summary>Adds a piece that counts by itself, wherever it lies.</summary>
    public void AddApart(nint address, long bytes)
    {
        if (_count == _pieces.Length)
        {
            Array.Resize(ref _pieces, 2 * _count);
        }

        _pieces[_count++] = (address, bytes);
    }

    /// <summary>Lets only so many pieces travel for now.</summary>
    public void Limit(int pieces) => _limit = pieces;

    /// <summary>The next bytes, at most so many, all of one piece.</summary>
    public Span<byte> Next(int most) => new((void*)(_pieces[_index].Address + (nint)_offset), (int)Math.Min(Left, most));

    /// <summary>So many of them have travelled.</summary>
    public void Advance(int bytes)
    {
        _offset += bytes;
        if (_offset == _pieces[_index].Bytes)
        {
            _index++;
            _offset = 0;
        }
    }
}
