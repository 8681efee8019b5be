namespace MoEActors.Cli.Chaos;

/// <summary>What is seen of it while it runs, on the error stream: a line for every disaster, and on a terminal what is waited for.</summary>
/// <param name="output">Where it is shown.</param>
internal sealed class ChaosProgress(CommandOutput output)
{
    private readonly Lock _lock = new();
    private readonly DrawnLine? _line = output.ErrorTerminal is { } terminal ? new DrawnLine(terminal, TerminalColumns.Now) : null;

    /// <summary>Shows what is waited for, in place of what was shown before.</summary>
    public void Show(string what)
    {
        lock (_lock)
        {
            _line?.Show(what);
        }
    }

    /// <summary>Writes a line that stays.</summary>
    public void Tell(string line)
    {
        Clear();
        output.Error.WriteLine(line);
    }

    /// <summary>Shows nothing any more.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _line?.Clear();
        }
    }
}
