namespace MoEActors.Native.Communication;

/// <summary>Memory lent through <see cref="CallerMemory"/>. When <see cref="Dispose"/> has returned, nobody touches it any more.</summary>
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
