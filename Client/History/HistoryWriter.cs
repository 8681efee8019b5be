using System.Globalization;
using System.Threading.Channels;

namespace MoEActors.Client.History;

/// <summary>
/// Writes the history of a run to a file (<see cref="RunHistory"/>), behind the training: an event is queued and written by a task of its own. When the
/// queue is full or the disk refuses, events are counted instead; a <see cref="GapEvent"/> tells of them in the file as soon as it can be written to
/// again, and <see cref="FlushAsync"/> tells the caller.
/// </summary>
public sealed class HistoryWriter : IRunLogger, IAsyncDisposable
{
    /// <summary>Events that wait, at most: minutes of the shortest steps.</summary>
    private const int Capacity = 8192;

    private readonly Channel<Item> _queue = Channel.CreateBounded<Item>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Stream _file;
    private readonly MemoryStream _lines = new();
    private readonly Task _writing;
    private long _unqueued;
    private long _lost;
    private long _lostSinceFlush;
    private long _step;
    private long _good;
    private string? _failure;

    private HistoryWriter(Stream file)
    {
        _file = file;
        _good = file.Length;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Goes on with a history, or begins one.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="after">The step that the run goes on from. Lines of later steps are cut off, since those steps are trained again.</param>
    /// <exception cref="IOException">The file cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written to.</exception>
    public static HistoryWriter Open(string path, long after)
    {
        long end = File.Exists(path) ? EndOf(path, after) : 0;
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
        file.SetLength(end);
        file.Position = end;
        return new HistoryWriter(file);
    }

    /// <summary>As <see cref="Open"/>, to any stream that can be written to anywhere.</summary>
    internal static HistoryWriter To(Stream stream) => new(stream);

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
        await _lines.DisposeAsync();
    }

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
                    RunHistory.Write(happened, _lines);
                    events++;
                }

                flush = item.Flushed;
            }

            Append(events, toDisk: flush is not null);
            Conclude(flush);
        }
    }

    /// <summary>Writes the lines that are ready. Where that fails they are lost, and the file ends with the last line that was written whole.</summary>
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
                RunHistory.Write(new GapEvent { Step = _step, Lines = _lost }, _lines);
            }

            if (_lines.Length > 0)
            {
                _lines.WriteTo(_file);
                _good += _lines.Length;
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

        _lines.SetLength(0);
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

        flush.SetException(new IOException(string.Create(
            CultureInfo.InvariantCulture, $"The history of the run lacks {_lostSinceFlush} lines: {_failure.TrimEnd('.')}.")));
        (_failure, _lostSinceFlush) = (null, 0);
    }

    /// <summary>Where the line of the first later step begins; a line without an end is cut off, too.</summary>
    private static long EndOf(string path, long after)
    {
        long end = 0;
        foreach ((RunEvent? happened, long start, long next) in RunHistory.Lines(path))
        {
            if (happened?.Step > after)
            {
                return start;
            }

            end = next;
        }

        return end;
    }

    private readonly record struct Item(RunEvent? Event, TaskCompletionSource? Flushed);
}
