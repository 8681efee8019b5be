namespace MoEActors.Tests.Support;

/// <summary>A clock that moves when a test says so, and says when something begins to wait for it.</summary>
internal sealed class ManualTime : TimeProvider, IDisposable
{
    private readonly List<ManualTimer> _timers = [];
    private readonly SemaphoreSlim _armed = new(0);
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state));
        _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits until somebody has set a timer: its owner is about to wait.</summary>
    public void WaitUntilArmed() => Assert.True(_armed.Wait(TimeSpan.FromSeconds(60)), "Nobody has set a timer within 60 s.");

    public void Advance(TimeSpan by)
    {
        long now = Interlocked.Add(ref _now, by.Ticks);
        foreach (ManualTimer timer in _timers)
        {
            timer.FireIfDue(now);
        }
    }

    public void Dispose() => _armed.Dispose();

    private sealed class ManualTimer(ManualTime clock, Action fire) : ITimer
    {
        private long _due = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                Interlocked.Exchange(ref _due, long.MaxValue);
                return true;
            }

            Interlocked.Exchange(ref _due, clock.GetTimestamp() + dueTime.Ticks);
            clock._armed.Release();
            return true;
        }

        public void FireIfDue(long now)
        {
            if (Interlocked.Read(ref _due) <= now)
            {
                Interlocked.Exchange(ref _due, long.MaxValue);
                fire();
            }
        }

        public void Dispose() => Interlocked.Exchange(ref _due, long.MaxValue);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
