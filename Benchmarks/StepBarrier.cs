namespace MoEActors.Benchmarks;

/// <summary>Starts a step on every worker thread at once and waits for all of them, without allocating.</summary>
internal sealed class StepBarrier(int workers) : IDisposable
{
    private readonly object _lock = new();
    private readonly ThreadLocal<int> _seen = new(() => 0);
    private int _step;
    private int _running;
    private bool _finished;
    private Exception? _failure;

    /// <summary>One step on all workers.</summary>
    /// <exception cref="AggregateException">A worker failed.</exception>
    public void RunStep()
    {
        lock (_lock)
        {
            _running = workers;
            _step++;
            Monitor.PulseAll(_lock);
            while (_running > 0 && _failure is null)
            {
                Monitor.Wait(_lock);
            }

            if (_failure is not null)
            {
                throw new AggregateException(_failure);
            }
        }
    }

    /// <summary>No more steps.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            _finished = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>On a worker: waits for the next step; false when there is none.</summary>
    public bool WaitForStep()
    {
        int seen = _seen.Value;
        lock (_lock)
        {
            while (_step == seen && !_finished)
            {
                Monitor.Wait(_lock);
            }

            _seen.Value = _step;
            return _step != seen;
        }
    }

    /// <summary>On a worker: the step is over.</summary>
    public void Done(Exception? failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
            _running--;
            Monitor.PulseAll(_lock);
        }
    }

    public void Dispose() => _seen.Dispose();
}
