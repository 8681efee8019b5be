namespace MoEActors.Cli.Progress;

/// <summary>Plain lines for logs and pipes: the first report, one every few seconds, the last one, and every note.</summary>
internal sealed class PlainTrainingView(TextWriter writer, TimeProvider time) : ITrainingView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private TrainingProgress? _pending;
    private long _lastLine;
    private bool _begun;
    private int _notes;

    public void Report(TrainingProgress progress)
    {
        lock (_lock)
        {
            for (; _notes < progress.Notes.Count; _notes++)
            {
                writer.WriteLine(progress.Notes[_notes]);
            }

            if (_begun && time.GetElapsedTime(_lastLine) < Interval)
            {
                _pending = progress;
                return;
            }

            _begun = true;
            WriteLine(progress);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_pending is { } last)
            {
                WriteLine(last);
            }
        }

        return ValueTask.CompletedTask;
    }

    private void WriteLine(TrainingProgress progress)
    {
        _pending = null;
        _lastLine = time.GetTimestamp();
        writer.WriteLine(string.Join("  ", TrainingFigures.Of(progress).Select(figure => $"{figure.Name} {figure.Value}")) + Load(progress));
        writer.Flush();
    }

    private static string Load(TrainingProgress progress)
    {
        if (progress.ExpertLoads.Count == 0)
        {
            return "";
        }

        ExpertLoad load = new(progress.ExpertLoads);
        IEnumerable<string> shares = Enumerable.Range(0, progress.ExpertLoads.Count)
            .Select(silo => $"{TrainingFigures.SiloName(progress, silo)} {load.Share(silo) * 100:0}%");
        return $"  load {string.Join(" ", shares)}, busiest expert {load.Peak:0.0}x";
    }
}
