using MoEActors.Benchmarks;

namespace MoEActors.Cli.Progress;

/// <summary>One line that is rewritten to show the progress of some work. Nothing is shown in the first second.</summary>
/// <param name="writer">A terminal.</param>
/// <param name="unit">What is counted, as in "row" or "step".</param>
/// <param name="total">How many there are.</param>
/// <param name="time">Clock that it goes by.</param>
/// <param name="columns">The terminal's columns now.</param>
internal sealed class CountProgress(TextWriter writer, string unit, int total, TimeProvider time, Func<int> columns) : IProgress<BenchmarkProgress>, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly DrawnLine _line = new(writer, columns);

    private long _shown = time.GetTimestamp();

    /// <summary>Begins to count on the error stream; null where that is no terminal.</summary>
    public static CountProgress? On(CommandOutput output, string unit, int total) =>
        output.ErrorTerminal is { } terminal ? new CountProgress(terminal, unit, total, TimeProvider.System, TerminalColumns.Now) : null;

    /// <summary>Shows that so many are done, at most once a second.</summary>
    public void Report(string what, int done)
    {
        if (time.GetElapsedTime(_shown) >= Interval)
        {
            _shown = time.GetTimestamp();
            _line.Show($"{what}: {unit} {done} of {total}");
        }
    }

    public void Report(BenchmarkProgress value) => Report(value.What, value.Done);

    /// <summary>Clears the line.</summary>
    public void Dispose() => _line.Clear();
}
