using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Cuda;

/// <summary>What a library that queues work of its own on the device's stream needs.</summary>
public sealed partial class CudaDevice
{
    private volatile Exception? _interruption;

    /// <summary>The stream on which everything is queued.</summary>
    internal CudaStream Stream => _stream;

    /// <summary>
    /// Something that is queued has been given up, so that what comes behind it computes nothing of worth: whoever waits for the device gets the reason, until
    /// <see cref="Resume"/>. From any thread.
    /// </summary>
    internal void Interrupt(Exception cause) => _interruption = cause;

    /// <summary>What is queued from now on counts again, as far as this reason goes: another one stays.</summary>
    internal void Resume(Exception cause) => Interlocked.CompareExchange(ref _interruption, null, cause);

    private void WaitForStream()
    {
        _stream.Synchronize();
        if (_interruption is { } cause)
        {
            throw cause;
        }
    }
}
