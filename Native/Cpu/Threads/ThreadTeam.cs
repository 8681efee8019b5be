using MoEActors.Native.Timing;

namespace MoEActors.Native.Cpu.Threads;

/// <summary>
/// The threads of one CPU device: the caller and <c>Count - 1</c> dedicated threads that sleep between loops (they do not
/// spin: workers outnumber cores). A loop is split into pieces of outputs, never of sums, so that the result does not
/// depend on the number of threads. One loop at a time: a device belongs to one executor.
/// </summary>
internal sealed class ThreadTeam : IDisposable
{
    private readonly Lock _results = new();
    private readonly object _lock = new();
    private readonly Thread[] _threads;
    private readonly int[] _threadIds;
    private readonly Dictionary<Type, Loop> _loops = [];
    private Loop? _current;
    private int _generation;
    private int _running;
    private int _avoided = -1;
    private long _helperNanoseconds;
    private bool _stopped;
    private Exception? _failure;

    public ThreadTeam(int count, string name)
    {
        Count = count;
        _threads = new Thread[count - 1];
        _threadIds = new int[count - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int helper = i;
            _threads[i] = new Thread(() => Work(helper)) { IsBackground = true, Name = $"{name} {i + 1}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of threads, the caller's included.</summary>
    public int Count { get; }

    /// <summary>Processor time that the dedicated threads have spent in loops.</summary>
    public TimeSpan HelperTime => TimeSpan.FromTicks(Interlocked.Read(ref _helperNanoseconds) / TimeSpan.NanosecondsPerTick);

    /// <summary>
    /// Runs <paramref name="body"/> over <paramref name="items"/> items, in pieces of at least <paramref name="grain"/> items
    /// that threads take as they become free.
    /// </summary>
    public void For<TBody>(int items, int grain, in TBody body)
        where TBody : struct, IRangeBody
    {
        if (items <= 0)
        {
            return;
        }

        if (Count == 1 || items <= grain)
        {
            TBody copy = body;
            copy.Run(0, items);
            return;
        }

        if (!_loops.TryGetValue(typeof(TBody), out Loop? found))
        {
            found = new Loop<TBody>();
            _loops.Add(typeof(TBody), found);
        }

        var loop = (Loop<TBody>)found;
        loop.Body = body;
        loop.Begin(items, grain, Count);
        KeepHelpersOffThisProcessor();
        lock (_lock)
        {
            _current = loop;
            _generation++;
            Monitor.PulseAll(_lock);
        }

        Run(loop);
        lock (_lock)
        {
            // A helper that has not started is not waited for: on a busy machine it may be scheduled milliseconds later.
            _current = null;
            while (_running > 0)
            {
                Monitor.Wait(_lock);
            }
        }

        if (_failure is { } failure)
        {
            _failure = null;
            throw new AggregateException(failure);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _stopped = true;
            Monitor.PulseAll(_lock);
        }

        foreach (Thread thread in _threads)
        {
            thread.Join();
        }
    }

    /// <summary>Costs a system call per helper, and only when the caller runs on another processor than at the last loop.</summary>
    private void KeepHelpersOffThisProcessor()
    {
        int processor = Processor.Current;
        if (processor == _avoided || Count > Environment.ProcessorCount)
        {
            return;
        }

        bool all = true;
        foreach (ref int thread in _threadIds.AsSpan())
        {
            int id = Volatile.Read(ref thread);
            all &= id != 0;
            if (id != 0)
            {
                Processor.Avoid(id, processor);
            }
        }

        // The affinity of a helper that has not started yet is set at the next loop.
        _avoided = all ? processor : -1;
    }

    private void Work(int helper)
    {
        Volatile.Write(ref _threadIds[helper], Processor.ThreadId);
        int seen = 0;
        while (true)
        {
            Loop loop;
            lock (_lock)
            {
                while (_generation == seen && !_stopped)
                {
                    Monitor.Wait(_lock);
                }

                if (_stopped)
                {
                    return;
                }

                seen = _generation;
                if (_current is not { } current)
                {
                    continue;
                }

                loop = current;
                _running++;
            }

            long began = ThreadTime.Nanoseconds;
            Run(loop);
            long worked = ThreadTime.Nanoseconds - began;
            lock (_lock)
            {
                _helperNanoseconds += worked;
                if (--_running == 0)
                {
                    Monitor.PulseAll(_lock);
                }
            }
        }
    }

    private void Run(Loop loop)
    {
        try
        {
            loop.RunPieces();
        }
        catch (Exception e)
        {
            lock (_results)
            {
                _failure ??= e;
            }
        }
    }

    private abstract class Loop
    {
        private int _items;
        private int _grain;
        private int _threads;
        private int _next;

        public void Begin(int items, int grain, int threads)
        {
            _items = items;
            _grain = Math.Max(grain, 1);
            _threads = threads;
            _next = 0;
        }

        /// <summary>
        /// Takes pieces that shrink towards the end: half of what a thread's share of the rest would be. Large pieces reuse the
        /// caches; small ones at the end balance the threads when other programs take processor time from one of them. Equal
        /// pieces, four a thread, left one of two threads idle for a fifth of a product of 768 × 1536 × 768.
        /// </summary>
        public void RunPieces()
        {
            while (true)
            {
                int start = Volatile.Read(ref _next);
                if (start >= _items)
                {
                    return;
                }

                int rest = _items - start;
                int piece = Math.Min(rest, Math.Max(_grain, rest / (2 * _threads)));
                if (Interlocked.CompareExchange(ref _next, start + piece, start) == start)
                {
                    RunPiece(start, start + piece);
                }
            }
        }

        protected abstract void RunPiece(int start, int end);
    }

    private sealed class Loop<TBody> : Loop
        where TBody : struct, IRangeBody
    {
        public TBody Body;

        protected override void RunPiece(int start, int end)
        {
            TBody body = Body;
            body.Run(start, end);
        }
    }
}

/// <summary>Work over a range of items. Implemented by structs, so that a parallel loop allocates nothing.</summary>
internal interface IRangeBody
{
    /// <summary>Does the items from <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
    void Run(int start, int end);
}
