using System.Collections.Concurrent;

namespace MoEActors.Native.Communication;

/// <summary>
/// Memory of callers in this process, made available to workers for the length of a call: a handle travels in messages, elements never
/// do; workers copy rows straight from the source and into the target. A caller in another process cannot be served this way.
/// </summary>
public sealed class CallerBuffers
{
    private readonly ConcurrentDictionary<Guid, MemoryLoan> _loans = [];

    /// <summary>Lends memory until the loan is disposed.</summary>
    /// <param name="source">What workers read.</param>
    /// <param name="target">What they write; may be the same memory.</param>
    public MemoryLoan Lend(ReadOnlyMemory<float> source, Memory<float> target)
    {
        var loan = new MemoryLoan(source, target, handle => _loans.TryRemove(handle, out _));
        _loans[loan.Handle] = loan;
        return loan;
    }

    /// <summary>Reads or writes memory on loan, whose owner waits meanwhile.</summary>
    /// <typeparam name="TState">What the work needs.</typeparam>
    /// <param name="handle">The loan's handle.</param>
    /// <param name="state">What the work needs.</param>
    /// <param name="work">Gets that, source and target; short, as it keeps the owner from taking the memory back.</param>
    /// <returns>False when there is no such loan: it has ended, or the lender is in another process.</returns>
    public bool TryUse<TState>(Guid handle, TState state, Action<TState, ReadOnlyMemory<float>, Memory<float>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return _loans.TryGetValue(handle, out MemoryLoan? loan) && loan.TryUse(state, work);
    }
}

/// <summary>Memory lent through <see cref="CallerBuffers"/>. When <see cref="Dispose"/> has returned, nobody touches it any more.</summary>
public sealed class MemoryLoan : IDisposable
{
    private readonly object _gate = new();
    private readonly ReadOnlyMemory<float> _source;
    private readonly Memory<float> _target;
    private readonly Action<Guid> _end;
    private int _users;
    private bool _ended;

    internal MemoryLoan(ReadOnlyMemory<float> source, Memory<float> target, Action<Guid> end)
    {
        _source = source;
        _target = target;
        _end = end;
    }

    /// <summary>What messages carry in place of the memory.</summary>
    public Guid Handle { get; } = Guid.NewGuid();

    /// <summary>Takes the memory back, after those who are at it.</summary>
    public void Dispose()
    {
        _end(Handle);
        lock (_gate)
        {
            _ended = true;
            while (_users > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    internal bool TryUse<TState>(TState state, Action<TState, ReadOnlyMemory<float>, Memory<float>> work)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }

            _users++;
        }

        try
        {
            work(state, _source, _target);
            return true;
        }
        finally
        {
            lock (_gate)
            {
                _users--;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
