namespace Orleans.Runtime;

/// <summary>Runs the code of one activation: on pool threads, one piece at a time, in order.</summary>
internal sealed class ActivationScheduler(Activation owner) : TaskScheduler, IThreadPoolWorkItem
{
    private const int PiecesInARow = 100;

    private readonly Lock _gate = new();
    private readonly Queue<Task> _pieces = new();
    private bool _scheduled;
    private bool _dead;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Runs <paramref name="start"/> here, without the execution context of whoever asks for it.</summary>
    public void Post(Action<object?> start, object? state)
    {
        Task piece;
        if (ExecutionContext.IsFlowSuppressed())
        {
            piece = new Task(start, state);
        }
        else
        {
            using (ExecutionContext.SuppressFlow())
            {
                piece = new Task(start, state);
            }
        }

        piece.Start(this);
    }

    /// <summary>Drops what waits to run and whatever comes later.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _dead = true;
            _pieces.Clear();
        }
    }

    public void Execute()
    {
        IGrainContext? before = RuntimeContext.Current;
        RuntimeContext.Current = owner;
        try
        {
            for (int i = 0; i < PiecesInARow; i++)
            {
                Task? piece;
                lock (_gate)
                {
                    if (!_pieces.TryDequeue(out piece))
                    {
                        _scheduled = false;
                        return;
                    }
                }

                TryExecuteTask(piece);
            }
        }
        finally
        {
            RuntimeContext.Current = before;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            if (_dead)
            {
                return;
            }

            _pieces.Enqueue(task);
            if (_scheduled)
            {
                return;
            }

            _scheduled = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(RuntimeContext.Current, owner) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _pieces];
        }
    }
}
