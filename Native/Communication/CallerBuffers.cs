using System.Collections.Concurrent;

namespace MoEActors.Native.Communication;

/// <summary>
/// Memory of callers in this process, made available to workers for the length of a call: a handle travels in messages, elements never
/// do; workers copy rows straight from the source and into the target. A caller in another process cannot be served this way.
/// </summary>
public sealed class CallerBuffers
{
    private readonly ConcurrentDictionary<Guid, BufferLease> _leases = [];

    /// <summary>Makes memory available to workers until the lease is disposed.</summary>
    /// <param name="source">What workers read.</param>
    /// <param name="target">What they write; may be the same memory.</param>
    public BufferLease Lease(ReadOnlyMemory<float> source, Memory<float> target)
    {
        var lease = new BufferLease(source, target, handle => _leases.TryRemove(handle, out _));
        _leases[lease.Handle] = lease;
        return lease;
    }

    /// <summary>Reads or writes leased memory, whose owner waits meanwhile.</summary>
    /// <typeparam name="TState">What the work needs.</typeparam>
    /// <param name="handle">The lease's handle.</param>
    /// <param name="state">What the work needs.</param>
    /// <param name="work">Gets that, source and target; short, as it keeps the owner from taking the memory back.</param>
    /// <returns>False when there is no such lease: it has ended, or it belongs to another process.</returns>
    public bool TryUse<TState>(Guid handle, TState state, Action<TState, ReadOnlyMemory<float>, Memory<float>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        return _leases.TryGetValue(handle, out BufferLease? lease) && lease.TryUse(state, work);
    }
}

/// <summary>A caller's memory for the length of a call. When <see cref="Dispose"/> has returned, no worker reads or writes it any more.</summary>
public sealed class BufferLease : IDisposable
{
    private readonly object _lock = new();
    private readonly ReadOnlyMemory<float> _source;
    private readonly Memory<float> _target;
    private readonly Action<Guid> _end;
    private int _users;
    private bool _ended;

    internal BufferLease(ReadOnlyMemory<float> source, Memory<float> target, Action<Guid> end)
    {
        _source = source;
        _target = target;
        _end = end;
    }

    /// <summary>What messages carry in place of the memory.</summary>
    public Guid Handle { get; } = Guid.NewGuid();

    /// <summary>Takes the memory back, after waiting for the work that uses it.</summary>
    public void Dispose()
    {
        _end(Handle);
        lock (_lock)
        {
            _ended = true;
            while (_users > 0)
            {
                Monitor.Wait(_lock);
            }
        }
    }

    internal bool TryUse<TState>(TState state, Action<TState, ReadOnlyMemory<float>, Memory<float>> work)
    {
        lock (_lock)
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
            lock (_lock)
            {
                _users--;
                Monitor.PulseAll(_lock);
            }
        }
    }
}
