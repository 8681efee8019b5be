using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// The two barriers of a collective operation: all ranks arrive, each copies what it needs from the others' memory, all depart. Only
/// then do buffers belong to their callers again, on failure too: no rank returns while another may still be reading from its memory.
/// </summary>
internal sealed class CollectiveBarrier : IDisposable
{
    private readonly object _lock = new();
    private readonly Contribution[] _contributions;
    private readonly bool[] _present;
    private readonly TimeSpan _deadline;
    private readonly TimeProvider _time;
    private readonly ProgressWatch _watch;
    private readonly YieldingCondition _changed;
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
        _changed = new YieldingCondition(_lock);
        _watch = new ProgressWatch(
            _lock, deadline, time, () => _arrived == 0 || _failure is not null ? ProgressWatch.NoWait : _firstArrival, Expire);
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
            else if (OperationDescription.Difference(
                rank, _contributions[rank].Description, _firstRank, _contributions[_firstRank].Description) is { } difference)
            {
                Die(new Failure(difference, [], null));
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
                _changed.Signal();
                return;
            }

            _watch.Start();
            while (_begun == begun && _failure is null)
            {
                _changed.Wait();
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
                _changed.Signal();
            }

            while (_copying > 0)
            {
                _changed.Wait();
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

    public void Dispose() => _watch.Dispose();

    private Failure Die(Failure failure)
    {
        _failure ??= failure;
        _changed.Signal();
        return _failure;
    }

    private void ThrowIfDead(int rank)
    {
        if (_failure is { } failure)
        {
            throw failure.ToException(_contributions[rank].Description.Operation, rank, Size);
        }
    }

    private void Expire() => Die(Failure.Missing([.. Enumerable.Range(0, Size).Where(rank => !_present[rank])], _deadline, _firstRank));
}
