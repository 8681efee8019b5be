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

    /// <summary>Whoever gets its core back later than this has had to wait for others that want it, for a slice of milliseconds on a busy machine; one that sleeps is woken sooner.</summary>
    private static readonly long Crowd = Stopwatch.Frequency * 20 / 1_000_000;

    /// <summary>So many waits sleep at once when a core was wanted, before it is tried again.</summary>
    private const int Caution = 1000;

    private int _caution;
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
        if (_caution > 0)
        {
            _caution--;
        }
        else if (YieldUntilAfter(seen))
        {
            _caution = Caution;
        }

        if (_changes == seen)
        {
            _sleeping++;
            Monitor.Wait(monitor);
            _sleeping--;
        }
    }

    /// <summary>Leaves the monitor and gives the core away until the next signal, or until it has been long enough.</summary>
    /// <returns>Whether others wanted the core.</returns>
    private bool YieldUntilAfter(long seen)
    {
        Monitor.Exit(monitor);
        try
        {
            long begun = Stopwatch.GetTimestamp(), before = begun;
            while (Volatile.Read(ref _changes) == seen && before - begun < Patience)
            {
                Thread.Yield();
                long now = Stopwatch.GetTimestamp();
                if (now - before > Crowd)
                {
                    return true;
                }

                before = now;
            }

            return false;
        }
        finally
        {
            Monitor.Enter(monitor);
        }
    }
}
