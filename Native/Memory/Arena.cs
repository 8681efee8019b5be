using System.Runtime.CompilerServices;

namespace MoEActors.Native.Memory;

/// <summary>
/// Memory for one round of a step: taken piece by piece, given back all at once. Blocks are kept across
/// <see cref="Reset"/>, so that a warm arena allocates nothing. Not thread safe: an arena belongs to one executor.
/// </summary>
/// <param name="device">The device whose memory is handed out.</param>
/// <param name="blockBytes">Size of a block in bytes; a larger request gets a block of its own size.</param>
public sealed class Arena(IDevice device, long blockBytes = 16 << 20) : IDisposable
{
    /// <summary>Every piece starts on a cache line, which is also the width of the widest vector.</summary>
    private const int Alignment = 64;

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
    public DeviceSpan<T> Take<T>(int count)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        long bytes = ((long)count * Unsafe.SizeOf<T>() + Alignment - 1) & -Alignment;
        while (_block < _blocks.Count && _offset + bytes > _blocks[_block].Bytes)
        {
            _block++;
            _offset = 0;
        }

        if (_block == _blocks.Count)
        {
            DeviceBuffer block = device.Allocate(Math.Max(bytes, blockBytes));
            _blocks.Add(block);
            BytesHeld += block.Bytes;
            _offset = 0;
        }

        nint address = _blocks[_block].As<byte>().Address + (nint)_offset;
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

    /// <summary>Takes everything back. Spans handed out before are void.</summary>
    public void Reset()
    {
        _block = 0;
        _offset = 0;
        BytesInUse = 0;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (DeviceBuffer block in _blocks)
        {
            block.Dispose();
        }

        _blocks.Clear();
        BytesHeld = 0;
        Reset();
    }
}
