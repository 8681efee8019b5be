namespace Orleans.Runtime;

/// <summary>What a caller waits for, of a known type.</summary>
internal sealed class PendingReply<T>(ReturnShape shape) : PendingReply
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override bool IsCompleted => _source.Task.IsCompleted;

    public override object? AsReturnValue() => shape switch
    {
        ReturnShape.Task or ReturnShape.TaskOfResult => _source.Task,
        ReturnShape.ValueTask => new ValueTask(_source.Task),
        ReturnShape.ValueTaskOfResult => new ValueTask<T>(_source.Task),
        _ => null,
    };

    public override async Task<object?> AsObjectAsync() => await _source.Task;

    protected override bool TrySetResult(object? result) => _source.TrySetResult(result is null ? default! : (T)result);

    protected override bool TrySetException(Exception exception)
    {
        bool set = exception is OperationCanceledException canceled && canceled.CancellationToken.IsCancellationRequested
            ? _source.TrySetCanceled(canceled.CancellationToken)
            : _source.TrySetException(exception);
        if (set && shape == ReturnShape.Void)
        {
            // Nobody will look at it.
            _ = _source.Task.Exception;
        }

        return set;
    }
}
