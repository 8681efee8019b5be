using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Native.Cuda.Hardware;

/// <summary>A queue of work on a GPU, done in order. Its owner calls it from one thread at a time.</summary>
internal sealed class CudaStream : IDisposable
{
    private readonly CudaGpu _gpu;
    private nint _handle;

    public CudaStream(CudaGpu gpu)
    {
        _gpu = gpu;
        gpu.Enter();
        CudaStatus.Check(Driver.StreamCreate(out _handle, DriverFlags.StreamNonBlocking), "opening a stream", gpu.Ordinal);
    }

    /// <summary>The driver's handle; 0 after <see cref="Dispose"/>.</summary>
    public nint Handle => _handle;

    /// <summary>Waits until everything queued has been done; failures of what was queued appear here.</summary>
    public void Synchronize() => CudaStatus.Check(Driver.StreamSynchronize(_handle), "waiting for queued work", _gpu.Ordinal);

    /// <summary>Lets what is queued later wait for an event.</summary>
    public void WaitFor(CudaEvent moment) => CudaStatus.Check(Driver.StreamWaitEvent(_handle, moment.Handle, 0), "waiting for an event", _gpu.Ordinal);

    public void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0)
        {
            // What has failed before cannot be mended by an exception here.
            _gpu.Enter();
            _ = Driver.StreamDestroy(handle);
        }
    }
}

/// <summary>A moment in a stream.</summary>
internal sealed class CudaEvent : IDisposable
{
    private readonly CudaGpu _gpu;
    private nint _handle;

    /// <summary>Creates it.</summary>
    /// <param name="gpu">The GPU.</param>
    /// <param name="isTimed">Whether <see cref="MillisecondsSince"/> is wanted, which costs a little.</param>
    public CudaEvent(CudaGpu gpu, bool isTimed)
    {
        _gpu = gpu;
        gpu.Enter();
        CudaStatus.Check(Driver.EventCreate(out _handle, isTimed ? DriverFlags.EventTimed : DriverFlags.EventUntimed), "creating an event", gpu.Ordinal);
    }

    /// <summary>The driver's handle.</summary>
    public nint Handle => _handle;

    /// <summary>It is when everything queued so far has been done.</summary>
    public void Record(CudaStream stream) => CudaStatus.Check(Driver.EventRecord(_handle, stream.Handle), "recording an event", _gpu.Ordinal);

    /// <summary>Whether everything before it has been done, by now.</summary>
    public bool HasHappened
    {
        get
        {
            CudaResult result = Driver.EventQuery(_handle);
            if (result != CudaResult.NotReady)
            {
                CudaStatus.Check(result, "asking for an event", _gpu.Ordinal);
            }

            return result == CudaResult.Success;
        }
    }

    /// <summary>Waits for it.</summary>
    public void Synchronize() => CudaStatus.Check(Driver.EventSynchronize(_handle), "waiting for an event", _gpu.Ordinal);

    /// <summary>Milliseconds on the GPU from another event to this one; both have happened.</summary>
    public float MillisecondsSince(CudaEvent start)
    {
        CudaStatus.Check(Driver.EventElapsedTime(out float milliseconds, start._handle, _handle), "reading a time", _gpu.Ordinal);
        return milliseconds;
    }

    public void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _handle, 0);
        if (handle != 0)
        {
            _gpu.Enter();
            _ = Driver.EventDestroy(handle);
        }
    }
}
