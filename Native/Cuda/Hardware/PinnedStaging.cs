using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Native.Cuda.Hardware;

/// <summary>
/// Page-locked host memory through which small copies go: the driver would make a copy from ordinary memory wait for the whole stream. Pieces are handed out
/// one behind the other; when none is left, the stream is waited for and all are free again.
/// </summary>
internal sealed unsafe class PinnedStaging : IDisposable
{
    /// <summary>The largest copy that goes through it; a larger one lasts longer than the wait that it saves.</summary>
    public const int LargestPiece = 1 << 20;

    private const int Bytes = 4 * LargestPiece;
    private const int Alignment = 64;

    private readonly CudaGpu _gpu;
    private readonly CudaStream _stream;
    private nint _memory;
    private int _offset;

    public PinnedStaging(CudaGpu gpu, CudaStream stream)
    {
        _gpu = gpu;
        _stream = stream;
        gpu.Enter();
        CudaStatus.Check(Driver.MemHostAlloc(out _memory, Bytes, 0), "taking page-locked memory", gpu.Ordinal);
    }

    /// <summary>A piece that stays until the copy that is queued next has been done.</summary>
    public void* Take(int bytes)
    {
        int padded = (bytes + Alignment - 1) & -Alignment;
        if (_offset + padded > Bytes)
        {
            _stream.Synchronize();
            _offset = 0;
        }

        void* piece = (byte*)_memory + _offset;
        _offset += padded;
        return piece;
    }

    public void Dispose()
    {
        nint memory = Interlocked.Exchange(ref _memory, 0);
        if (memory != 0)
        {
            _gpu.Enter();
            _ = Driver.MemFreeHost(memory);
        }
    }
}
