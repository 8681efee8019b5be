namespace Orleans.Runtime;

/// <summary>What a caller waits for.</summary>
internal abstract class PendingReply
{
    private ITimer? _timeout;
    private CancellationTokenRegistration _cancellation;

    public abstract bool IsCompleted { get; }

    /// <summary>What the proxy returns: a task, or a value task in a box.</summary>
    public abstract object? AsReturnValue();

    public bool Complete(object? result)
    {
        Disarm();
        return TrySetResult(result);
    }

    public bool Fail(Exception exception)
    {
        Disarm();
        return TrySetException(exception);
    }

    public abstract Task<object?> AsObjectAsync();

    public void Arm(TimeProvider clock, TimeSpan after, Func<Exception> overdue, CancellationToken cancellation)
    {
        if (after != Timeout.InfiniteTimeSpan)
        {
            _timeout = clock.CreateTimer(
                static state =>
                {
                    var (reply, exception) = ((PendingReply, Func<Exception>))state!;
                    reply.Fail(exception());
                },
                (this, overdue),
                after,
                Timeout.InfiniteTimeSpan);
        }

        if (cancellation.CanBeCanceled)
        {
            _cancellation = cancellation.UnsafeRegister(
                static (state, token) => ((PendingReply)state!).Fail(new OperationCanceledException(token)), this);
        }

        if (IsCompleted)
        {
            Disarm();
        }
    }

    protected abstract bool TrySetResult(object? result);

    protected abstract bool TrySetException(Exception exception);

    private void Disarm()
    {
        _timeout?.Dispose();
        _cancellation.Dispose();
    }
}
