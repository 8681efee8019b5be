using Microsoft.Extensions.Time.Testing;

namespace MoEActors.Tests.Support;

/// <summary>A clock that moves when a test says so, and says when something begins to wait for it.</summary>
internal sealed class WatchedTime : FakeTimeProvider, IDisposable
{
    private readonly SemaphoreSlim _armed = new(0);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new WatchedTimer(this, base.CreateTimer(callback, state, dueTime, period));
        Note(dueTime);
        return timer;
    }

    /// <summary>Waits until somebody has set a timer: its owner is about to wait.</summary>
    public void WaitUntilArmed() =>
        Assert.True(_armed.Wait(Deadline.Patience), $"Nobody has set a timer within {Deadline.Patience.TotalSeconds:0} s.");

    public void Dispose() => _armed.Dispose();

    private void Note(TimeSpan dueTime)
    {
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _armed.Release();
        }
    }

    private sealed class WatchedTimer(WatchedTime clock, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool changed = timer.Change(dueTime, period);
            clock.Note(dueTime);
            return changed;
        }

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
