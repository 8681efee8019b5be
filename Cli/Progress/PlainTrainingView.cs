using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Progress;

/// <summary>
/// Plain lines for logs and pipes: what is being done, the first report, one every few seconds, the last one, and every note and sample.
/// </summary>
/// <param name="writer">Where lines go.</param>
/// <param name="remarks">Where remarks go.</param>
/// <param name="time">The clock.</param>
/// <param name="width">Columns of the terminal, which lines are wrapped to; null for no limit, so that a report stays one line in a file.</param>
internal sealed class PlainTrainingView(TextWriter writer, TextWriter remarks, TimeProvider time, int? width = null) : ITrainingView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Between two lines on how far a phase is.</summary>
    private static readonly TimeSpan DetailInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private TrainingProgress? _pending;
    private WrittenSample? _sample;
    private string? _phase;
    private long _lastDetail;
    private long _lastLine;
    private long? _written;
    private int _notes;

    public void Enter(string phase, string? detail = null)
    {
        lock (_lock)
        {
            bool isNew = phase != _phase;
            if (!isNew && (detail is null || time.GetElapsedTime(_lastDetail) < DetailInterval))
            {
                return;
            }

            WritePending();
            _phase = phase;
            _lastDetail = time.GetTimestamp();
            Write(detail is null || isNew ? $"{phase} ..." : $"{phase}: {detail} ...");
            writer.Flush();
        }
    }

    public void Report(TrainingProgress progress)
    {
        lock (_lock)
        {
            _phase = null;
            for (; _notes < progress.Notes.Count; _notes++)
            {
                Write(progress.Notes[_notes].ToString());
            }

            if (progress.Sample is { } sample && sample != _sample)
            {
                _sample = sample;
                Write($"after step {sample.Step:N0} the model goes on from \"{Visible(sample.Prompt)}\": {Visible(sample.Text)}");
            }

            if (progress.Step == _written)
            {
                // What is new was said above.
                return;
            }

            if (_written is null || time.GetElapsedTime(_lastLine) >= Interval)
            {
                WriteLine(progress);
            }
            else
            {
                _pending = progress;
            }
        }
    }

    public void Announce(string line)
    {
        lock (_lock)
        {
            Write(line);
            writer.Flush();
        }
    }

    public void Remark(string text)
    {
        lock (_lock)
        {
            remarks.WriteLine(text);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            WritePending();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Text of several lines in one.</summary>
    private static string Visible(string text) => VisibleText.OfName(text.ReplaceLineEndings(" ").Replace('\t', ' '));

    private void WritePending()
    {
        if (_pending is { } last)
        {
            WriteLine(last);
        }
    }

    private void WriteLine(TrainingProgress progress)
    {
        (_pending, _written) = (null, progress.Step);
        _lastLine = time.GetTimestamp();
        IEnumerable<string?> parts =
        [
            Wording.Step(progress.Step, progress.Steps), .. TrainingFigures.Of(progress), TrainingFigures.LoadOf(progress), .. TrainingFigures.TimeOf(progress),
        ];
        Write(string.Join(", ", parts.Where(part => part is not null)));
        writer.Flush();
    }

    private void Write(string line)
    {
        foreach (string part in width is { } columns ? WordWrap.Lines(line, columns, int.MaxValue) : [line])
        {
            writer.WriteLine(part);
        }
    }
}
