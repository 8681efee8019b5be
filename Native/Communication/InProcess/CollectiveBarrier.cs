namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// The two barriers of a collective operation: all ranks arrive, each copies what it needs from the others' memory, all depart. Only
/// then do buffers belong to their callers again, on failure too: no rank returns while another may still be reading from its memory.
/// Waiting is done on a monitor, never by spinning: ranks outnumber cores.
/// </summary>
internal sealed class CollectiveBarrier : IDisposable
{
    private readonly object _lock = new();
    private readonly Contribution[] _contributions;
    private readonly bool[] _present;
    private readonly TimeSpan _deadline;
    private readonly TimeProvider _time;
    private readonly ITimer _watchdog;
    private bool _watching;
    private long _firstArrival;
    private int _firstRank;
    private int _arrived;
    private int _copying;
    private long _begun;
    private long _finished;
    private Failure? _failure;

    public CollectiveBarrier(int size, TimeSpan deadline, TimeProvider time)
    {
        _contributions = [.. Enumerable.Range(0, size).Select(_ => new Contribution())];
        _present = new bool[size];
        _deadline = deadline;
        _time = time;
        _watchdog = time.CreateTimer(
            static barrier => ((CollectiveBarrier)barrier!).Watch(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private int Size => _contributions.Length;

    /// <summary>The contribution of a rank. Another rank's may be read between <see cref="Arrive"/> and <see cref="Depart"/>.</summary>
    public Contribution this[int rank] => _contributions[rank];

    /// <summary>Waits until every rank has arrived with the same operation. The deadline counts from the first arrival.</summary>
    /// <exception cref="CommunicatorException">The group is dead, or died while this rank waited.</exception>
    public void Arrive(int rank)
    {
        lock (_lock)
        {
            ThrowIfDead(rank);
            if (_arrived == 0)
            {
                _firstRank = rank;
                _firstArrival = _time.GetTimestamp();
            }
            else if (Contribution.Difference(rank, _contributions[rank], _firstRank, _contributions[_firstRank]) is { } difference)
            {
                Die(new Failure(
                    $"{difference}. All ranks must call the same operations in the same order; compare what their steps did before.", [], null));
                ThrowIfDead(rank);
            }

            _present[rank] = true;
            long begun = _begun;
            if (++_arrived == Size)
            {
                Array.Clear(_present);
                _arrived = 0;
                _copying = Size;
                _begun++;
                Monitor.PulseAll(_lock);
                return;
            }

            StartWatching(_deadline);
            while (_begun == begun && _failure is null)
            {
                Monitor.Wait(_lock);
            }

            if (_begun == begun)
            {
                ThrowIfDead(rank);
            }
        }
    }

    /// <summary>
    /// Waits until every rank has copied. Copying never waits, so this needs no deadline. The operation has succeeded on
    /// every rank when the group is alive as the last one departs, and has failed on every rank when it is not.
    /// </summary>
    /// <exception cref="CommunicatorException">The group has died.</exception>
    public void Depart(int rank)
    {
        lock (_lock)
        {
            long finished = _finished;
            if (--_copying == 0)
            {
                _finished += _failure is null ? 1 : 0;
                Monitor.PulseAll(_lock);
            }

            while (_copying > 0)
            {
                Monitor.Wait(_lock);
            }

            if (_finished == finished)
            {
                ThrowIfDead(rank);
            }
        }
    }

    /// <summary>Ends the group on every rank. The first failure wins and is returned.</summary>
    public Failure Fail(Failure failure)
    {
        lock (_lock)
        {
            return Die(failure);
        }
    }

    public void Dispose() => _watchdog.Dispose();

    private Failure Die(Failure failure)
    {
        _failure ??= failure;
        Monitor.PulseAll(_lock);
        return _failure;
    }

    private void ThrowIfDead(int rank)
    {
        if (_failure is { } failure)
        {
            throw failure.ToException(_contributions[rank].Operation, rank, Size);
        }
    }

    /// <summary>
    /// Arms the timer unless it is armed: it then checks the operation in progress at that time, and again later if that one is younger
    /// than the deadline. So a timer is set once per deadline, not once per operation.
    /// </summary>
    private void StartWatching(TimeSpan after)
    {
        if (!_watching)
        {
            _watching = true;
            _watchdog.Change(after, Timeout.InfiniteTimeSpan);
        }
    }

    private void Watch()
    {
        lock (_lock)
        {
            _watching = false;
            if (_arrived == 0 || _failure is not null)
            {
                return;
            }

            TimeSpan left = _deadline - _time.GetElapsedTime(_firstArrival);
            if (left > TimeSpan.Zero)
            {
                // Whole milliseconds, upwards: a timer that fires early would only be set again.
                StartWatching(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
                return;
            }

            int[] missing = [.. Enumerable.Range(0, Size).Where(rank => !_present[rank])];
            string who = missing.Length == 1 ? $"rank {missing[0]} is missing" : $"ranks {string.Join(", ", missing)} are missing";
            Die(new Failure(
                $"{who} {_deadline.TotalSeconds:0.###} s after rank {_firstRank} arrived. Look at the log of the missing side, then open a "
                + "new view, or set a longer deadline if it was only slow.",
                missing, null));
        }
    }
}

/// <summary>Why a group failed.</summary>
/// <param name="Message">What happened and what to do, without the operation of the rank that reports it.</param>
/// <param name="MissingRanks">Ranks that had not arrived at the deadline, ascending; empty when the reason is another.</param>
/// <param name="Cause">The exception behind it, if there is one.</param>
internal sealed record Failure(string Message, int[] MissingRanks, Exception? Cause)
{
    /// <summary>The exception that one rank's call ends with.</summary>
    public CommunicatorException ToException(CollectiveOperation operation, int rank, int size) =>
        new(operation.ToString(), rank, MissingRanks, $"{operation} failed on rank {rank} of {size}: {Message}", Cause);
}
