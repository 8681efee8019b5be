namespace Orleans.Runtime;

/// <summary>A timer whose ticks wait for their turn like requests do. The next tick is timed from the end of the last.</summary>
internal sealed class GrainTimer : Turn, IGrainTimer
{
    private readonly Lock _gate = new();
    private readonly Activation _activation;
    private readonly Func<CancellationToken, Task> _callback;
    private readonly GrainTimerCreationOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private TimeSpan _period;
    private bool _ticking;
    private bool _changed;
    private bool _disposed;

    public GrainTimer(Activation activation, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options)
    {
        _activation = activation;
        _callback = callback;
        _options = options;
        using (ExecutionContext.SuppressFlow())
        {
            _timer = activation.Silo.Cluster.TimeProvider.CreateTimer(
                static state => ((GrainTimer)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public override bool IsAlwaysInterleave => _options.Interleave;

    public override bool IsReadOnly => false;

    public override bool IsUse => _options.KeepAlive;

    public void Change(TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            _period = period;
            _changed = true;
            if (!_disposed)
            {
                _timer.Change(dueTime, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public override async Task RunAsync(Activation activation)
    {
        RequestContext.Clear();
        try
        {
            if (!_disposed)
            {
                await _callback(_stop.Token);
            }
        }
        catch (Exception exception)
        {
            RuntimeLog.TimerFailed(activation.Silo.Logger, exception, activation.GrainId);
        }

        lock (_gate)
        {
            _ticking = false;
            if (!_changed && !_disposed && _period != Timeout.InfiniteTimeSpan)
            {
                _timer.Change(_period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public override void Reject(Exception exception) => Dispose();

    public override void Reroute(SiloAddress? to) => Dispose();

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _timer.Dispose();
        _stop.Cancel();
        _activation.Remove(this);
    }

    private void Fire()
    {
        lock (_gate)
        {
            if (_disposed || _ticking)
            {
                return;
            }

            _ticking = true;
            _changed = false;
        }

        _activation.TryReceive(this);
    }
}
