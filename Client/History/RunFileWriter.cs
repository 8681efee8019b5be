using System.Globalization;
using System.Threading.Channels;

namespace MoEActors.Client.History;

/// <summary>
/// Writes what happens in a run to a file, behind the training: an event is queued and written by a task of its own. When the queue is full or the disk
/// refuses, events are counted instead, and <see cref="FlushAsync"/> tells the caller; the file ends with what was written whole.
/// </summary>
public abstract class RunFileWriter : IRunLogger, IAsyncDisposable
{
    /// <summary>Events that wait, at most: minutes of the shortest steps.</summary>
    private const int Capacity = 8192;

    private readonly Channel<Item> _queue = Channel.CreateBounded<Item>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Stream _file;
    private readonly string _what;
    private readonly string _items;
    private readonly MemoryStream _ready = new();
    private readonly Task _writing;
    private long _unqueued;
    private long _lost;
    private long _lostSinceFlush;
    private long _step;
    private long _good;
    private string? _failure;

    /// <summary>Writes to a stream from its end on, and closes it when it is disposed.</summary>
    /// <param name="file">The stream.</param>
    /// <param name="what">What it is called in messages, as in "The history of the run lacks 2 lines".</param>
    /// <param name="items">What each event is in it.</param>
    private protected RunFileWriter(Stream file, string what, string items)
    {
        (_file, _what, _items) = (file, what, items);
        _good = file.Length;
        _writing = Task.Run(WriteAsync);
    }

    /// <inheritdoc />
    public void Log(RunEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        if (!_queue.Writer.TryWrite(new Item(happened, null)))
        {
            Interlocked.Increment(ref _unqueued);
        }
    }

    /// <inheritdoc />
    public async Task FlushAsync()
    {
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _queue.Writer.WriteAsync(new Item(null, flushed));
        await flushed.Task;
    }

    /// <summary>Writes what has been logged, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        await _file.DisposeAsync();
        await _ready.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Writes an event as the file has it.</summary>
    private protected abstract void Write(RunEvent happened, Stream stream);

    private async Task WriteAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            long events = 0;
            TaskCompletionSource? flush = null;
            while (flush is null && _queue.Reader.TryRead(out Item item))
            {
                if (item.Event is { } happened)
                {
                    _step = happened.Step;
                    Write(happened, _ready);
                    events++;
                }

                flush = item.Flushed;
            }

            Append(events, toDisk: flush is not null);
            Conclude(flush);
        }
    }

    /// <summary>Writes what is ready. Where that fails it is lost, and the file ends with the last event that was written whole.</summary>
    private void Append(long events, bool toDisk)
    {
        long unqueued = Interlocked.Exchange(ref _unqueued, 0);
        _lost += unqueued;
        _lostSinceFlush += unqueued;
        if (unqueued > 0)
        {
            _failure = "events came faster than they could be written";
        }

        try
        {
            if (_lost > 0)
            {
                Write(new GapEvent { Step = _step, Lines = _lost }, _ready);
            }

            if (_ready.Length > 0)
            {
                _ready.WriteTo(_file);
                _good += _ready.Length;
                _lost = 0;
            }

            if (toDisk && _file is FileStream file)
            {
                file.Flush(flushToDisk: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failure = e.Message;
            _lost += events;
            _lostSinceFlush += events;
            Rewind();
        }

        _ready.SetLength(0);
    }

    private void Rewind()
    {
        try
        {
            _file.SetLength(_good);
            _file.Position = _good;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failure = e.Message;
        }
    }

    private void Conclude(TaskCompletionSource? flush)
    {
        if (flush is null)
        {
            return;
        }

        if (_failure is null)
        {
            flush.SetResult();
            return;
        }

        flush.SetException(new IOException(string.Create(CultureInfo.InvariantCulture, $"The {_what} of the run lacks {_lostSinceFlush} {_items}: {_failure.TrimEnd('.')}.")));
        (_failure, _lostSinceFlush) = (null, 0);
    }

    private readonly record struct Item(RunEvent? Event, TaskCompletionSource? Flushed);
}
