using System.Diagnostics;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// A condition of a monitor, as <see cref="Monitor.Wait(object)"/> and <see cref="Monitor.PulseAll(object)"/>, whose waiting threads sleep only after a while: before,
/// they give their core to whoever else can run. A sleeping thread of a virtual machine wakes 30 to 50 µs after it has been called, which is longer than most waits.
/// </summary>
/// <param name="monitor">Held, once, by whoever calls.</param>
internal sealed class YieldingCondition(object monitor)
{
    /// <summary>How long a thread looks for itself: as long as it takes to wake one.</summary>
    private static readonly long Patience = Stopwatch.Frequency * 50 / 1_000_000;

    private long _changes;
    private int _sleeping;

    /// <summary>What is waited for may have come.</summary>
    public void Signal()
    {
        Volatile.Write(ref _changes, _changes + 1);
        if (_sleeping > 0)
        {
            Monitor.PulseAll(monitor);
        }
    }

    /// <summary>Leaves the monitor until the next signal.</summary>
    public void Wait()
    {
        long seen = _changes;
        Monitor.Exit(monitor);
        try
        {
            long end = Stopwatch.GetTimestamp() + Patience;
            while (Volatile.Read(ref _changes) == seen && Stopwatch.GetTimestamp() < end)
            {
                Thread.Yield();
            }
        }
        finally
        {
            Monitor.Enter(monitor);
        }

        if (_changes == seen)
        {
            _sleeping++;
            Monitor.Wait(monitor);
            _sleeping--;
        }
    }
}
