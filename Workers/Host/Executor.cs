namespace MoEActors.Workers.Host;

/// <summary>
/// A thread on which a worker computes, or copies shards. Work runs in the order in which it was queued; between pieces the thread sleeps. What
/// waits for work resumes elsewhere, so that no grain turn runs on an executor.
/// </summary>
internal sealed class Executor : IDisposable
{
    private readonly object _lock = new();
    private readonly Queue<Action> _queue = new();
    private readonly Thread _thread;
    private bool _stopped;

    public Executor(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };

        // Whoever asked for this thread has no part in what others will ask of it: its activity must not become the parent of theirs.
        _thread.UnsafeStart();
    }

    /// <summary>Queues work. Exceptions belong to the work itself: it must catch them.</summary>
    public void Post(Action work)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            _queue.Enqueue(work);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Finishes what is queued and ends the thread.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _stopped = true;
            Monitor.Pulse(_lock);
        }

        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        while (true)
        {
            Action work;
            lock (_lock)
            {
                while (_queue.Count == 0)
                {
                    if (_stopped)
                    {
                        return;
                    }

                    Monitor.Wait(_lock);
                }

                work = _queue.Dequeue();
            }

            work();
        }
    }
}
