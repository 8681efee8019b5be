namespace MoEActors.Cli.Simulation;

/// <summary>One line, written over and over, that says how far a replay is. Silent for the first second.</summary>
/// <param name="writer">A terminal.</param>
/// <param name="rows">Rows of the trace.</param>
/// <param name="time">Clock that it goes by.</param>
internal sealed class ReplayProgress(TextWriter writer, int rows, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private long _shown = time.GetTimestamp();
    private int _width;

    /// <summary>Shows that so many rows of a policy's replay are done, at most once a second.</summary>
    public void Report(string policy, int done)
    {
        if (time.GetElapsedTime(_shown) >= Interval)
        {
            _shown = time.GetTimestamp();
            Show($"{policy}: row {done} of {rows}");
        }
    }

    /// <summary>Takes the line away.</summary>
    public void Clear()
    {
        if (_width > 0)
        {
            Show("");
            writer.Write('\r');
        }
    }

    private void Show(string line)
    {
        writer.Write($"\r{line.PadRight(_width)}");
        writer.Flush();
        _width = line.Length;
    }
}
