namespace MoEActors.Native.Communication.Collectives;

/// <summary>
/// Ends what has waited for too long. The timer, once armed, looks at the operation in progress at that time, and again later if that one is younger
/// than the deadline: a timer is set once per deadline, not once per operation.
/// </summary>
internal sealed class ProgressWatch : IDisposable
{
    private readonly object _lock;
    private readonly TimeSpan _deadline;
    private readonly TimeProvider _time;
    private readonly Func<long> _since;
    private readonly Action _expired;
    private readonly ITimer _timer;
    private bool _armed;

    /// <summary>Watches from <see cref="Start"/> on.</summary>
    /// <param name="monitor">Held by whoever calls <see cref="Start"/>, and whenever the functions below are called.</param>
    /// <param name="deadline">How long a wait may last.</param>
    /// <param name="time">The clock.</param>
    /// <param name="since">When the wait in progress began, by that clock; <see cref="NoWait"/> when nothing waits.</param>
    /// <param name="expired">What to do when it has lasted too long.</param>
    public ProgressWatch(object monitor, TimeSpan deadline, TimeProvider time, Func<long> since, Action expired)
    {
        _lock = monitor;
        _deadline = deadline;
        _time = time;
        _since = since;
        _expired = expired;
        _timer = time.CreateTimer(
            static watch => ((ProgressWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Nothing waits.</summary>
    public const long NoWait = long.MinValue;

    /// <summary>A wait begins.</summary>
    public void Start() => Arm(_deadline);

    /// <inheritdoc />
    public void Dispose() => _timer.Dispose();

    private void Arm(TimeSpan after)
    {
        if (!_armed)
        {
            _armed = true;
            _timer.Change(after, Timeout.InfiniteTimeSpan);
        }
    }

    private void Look()
    {
        lock (_lock)
        {
            _armed = false;
            long since = _since();
            if (since == NoWait)
            {
                return;
            }

            TimeSpan left = _deadline - _time.GetElapsedTime(since);
            if (left > TimeSpan.Zero)
            {
                // Whole milliseconds, upwards: a timer that fires early would only be set again.
                Arm(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
            }
            else
            {
                _expired();
            }
        }
    }
}
