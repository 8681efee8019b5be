using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Nccl;

/// <summary>
/// Whether what was queued on a device has been done, and whether it is getting on: the host does not wait for collectives, so somebody must notice when one
/// never ends. Looks are rare, since each is a call of the driver. On the pump's thread.
/// </summary>
internal sealed class FlightWatch : IDisposable
{
    private const int LongestInterval = 250;

    private readonly CudaDevice _device;
    private readonly CudaEvent _last;
    private readonly CudaEvent _watched;
    private readonly long _deadline;
    private readonly int _interval;
    private long _since;
    private long _next;
    private bool _isWatchedDone = true;

    /// <summary>Nothing is queued yet.</summary>
    /// <param name="device">The device.</param>
    /// <param name="deadline">How long it may take until something that is queued has been done, once nothing is before it.</param>
    public FlightWatch(CudaDevice device, TimeSpan deadline)
    {
        _device = device;
        _last = new CudaEvent(device.Gpu, isTimed: false);
        _watched = new CudaEvent(device.Gpu, isTimed: false);
        _deadline = (long)deadline.TotalMilliseconds;
        _interval = (int)Math.Clamp(_deadline / 8, 1, LongestInterval);
    }

    /// <summary>Whether everything that was queued had been done when it was last looked at.</summary>
    public bool HasLanded { get; private set; } = true;

    /// <summary>Whether it is time to look.</summary>
    public bool IsDue => !HasLanded && Environment.TickCount64 >= _next;

    /// <summary>Milliseconds until it is.</summary>
    public int Wait => (int)Math.Clamp(_next - Environment.TickCount64, 1, _interval);

    /// <summary>Something has been queued.</summary>
    public void Begin()
    {
        _last.Record(_device.Stream);
        long now = Environment.TickCount64;
        if (_isWatchedDone)
        {
            // Later ones are not watched before this one is done: it is by each of them that something moves.
            _watched.Record(_device.Stream);
            _isWatchedDone = false;
            _since = now;
        }

        if (HasLanded)
        {
            HasLanded = false;
            _next = now + _interval;
        }
    }

    /// <summary>Looks whether what is queued gets on.</summary>
    /// <returns>Whether nothing has been done for as long as the deadline.</returns>
    public bool Look()
    {
        long now = Environment.TickCount64;
        _next = now + _interval;
        if (!_isWatchedDone && _watched.HasHappened)
        {
            _isWatchedDone = true;
            _since = now;
        }

        HasLanded = _isWatchedDone && _last.HasHappened;
        return !HasLanded && now - _since >= _deadline;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _last.Dispose();
        _watched.Dispose();
    }
}
