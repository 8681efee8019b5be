using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>
/// Memory for one round of a step: allocated piece by piece, released all at once, or back to a <see cref="Mark"/>. Its blocks are kept
/// across <see cref="Reset"/>, so that a warm arena allocates nothing. Not thread safe: an arena belongs to one executor.
/// </summary>
/// <param name="device">The device whose memory is handed out.</param>
/// <param name="blockBytes">By how many bytes it grows at most, unless one request is larger; a small arena grows by a share of its size.</param>
public sealed class Arena(IDeviceMemory device, long blockBytes = 1 << 20) : IDisposable
{
    /// <summary>Every piece starts on a cache line, which is also the width of the widest vector.</summary>
    private const int Alignment = 64;

    private const long LeastGrowth = 64 << 10;

    private const int GrowthShare = 8;

    private readonly List<DeviceBuffer> _blocks = [];
    private int _block;
    private long _offset;

    /// <summary>Bytes handed out since the last <see cref="Reset"/>, padding included. Zero after a reset: the leak counter.</summary>
    public long BytesInUse { get; private set; }

    /// <summary>The most bytes that were ever in use between two resets.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes held in blocks, in use or not.</summary>
    public long BytesHeld { get; private set; }

    /// <summary>Takes <paramref name="count"/> elements. Their content is whatever was there before.</summary>
    /// <exception cref="OutOfMemoryException">The device has no room for another block.</exception>
    public DeviceSpan<T> Take<T>(long count)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long bytes = checked(count * Unsafe.SizeOf<T>() + Alignment - 1) & -Alignment;
        while (_block < _blocks.Count && _offset + bytes > _blocks[_block].Bytes)
        {
            _block++;
            _offset = 0;
        }

        if (_block == _blocks.Count)
        {
            AddBlock(Math.Max(bytes, Math.Min(blockBytes, Math.Max(LeastGrowth, BytesHeld / GrowthShare))));
            _offset = 0;
        }

        nint address = _blocks[_block].Address + (nint)_offset;
        _offset += bytes;
        BytesInUse += bytes;
        PeakBytes = Math.Max(PeakBytes, BytesInUse);
        return new DeviceSpan<T>(address, count);
    }

    /// <summary>Takes <paramref name="count"/> elements, all zero.</summary>
    public DeviceSpan<float> TakeZeroed(int count)
    {
        DeviceSpan<float> span = Take<float>(count);
        device.Fill(span, 0f);
        return span;
    }

    /// <summary>
    /// Takes everything back, as <see cref="Reset"/>, and makes sure that the next round has room for this much in one block. An arena that grows
    /// while it is used has gaps where a request did not fit; one that was reserved has none.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The device has no room.</exception>
    public void Reserve(long bytes)
    {
        Reset();
        if (bytes > BytesHeld)
        {
            FreeBlocks();
            AddBlock(bytes);
        }
    }

    /// <summary>The place up to which <see cref="Release"/> can take memory back.</summary>
    public ArenaMark Mark() => new(_block, _offset, BytesInUse);

    /// <summary>Takes back what was handed out since the mark; spans handed out since are void. Marks are released last first.</summary>
    /// <exception cref="InvalidOperationException">An earlier mark has been released already, or the arena was reset.</exception>
    public void Release(ArenaMark mark)
    {
        if (mark.BytesInUse > BytesInUse)
        {
            throw new InvalidOperationException(
                $"The arena has {BytesInUse} bytes in use and cannot go back to a mark at {mark.BytesInUse}: marks are released last first.");
        }

        _block = mark.Block;
        _offset = mark.Offset;
        BytesInUse = mark.BytesInUse;
    }

    /// <summary>
    /// Takes everything back. Spans handed out before are void. An arena that has grown becomes one block of what was needed at most: without
    /// gaps, so that later rounds of other shapes need no more.
    /// </summary>
    public void Reset()
    {
        if (_blocks.Count > 1)
        {
            FreeBlocks();
            AddBlock(PeakBytes);
        }

        _block = 0;
        _offset = 0;
        BytesInUse = 0;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        FreeBlocks();
        Reset();
    }

    private void AddBlock(long bytes)
    {
        DeviceBuffer block = device.Allocate(bytes);
        _blocks.Add(block);
        BytesHeld += block.Bytes;
    }

    private void FreeBlocks()
    {
        foreach (DeviceBuffer block in _blocks)
        {
            block.Dispose();
        }

        _blocks.Clear();
        BytesHeld = 0;
    }
}

/// <summary>A place in an <see cref="Arena"/>: everything handed out later can be taken back at once.</summary>
/// <param name="Block">The block.</param>
/// <param name="Offset">Bytes handed out of it.</param>
/// <param name="BytesInUse">Bytes in use, padding included.</param>
public readonly record struct ArenaMark(int Block, long Offset, long BytesInUse);
