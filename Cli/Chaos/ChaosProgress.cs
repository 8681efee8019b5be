namespace MoEActors.Cli.Chaos;

/// <summary>What is seen of it while it runs, on the error stream: a line for every disaster, and on a terminal what is waited for.</summary>
/// <param name="output">Where it is shown.</param>
internal sealed class ChaosProgress(CommandOutput output)
{
    private readonly Lock _lock = new();
    private int _width;

    /// <summary>Shows what is waited for, in place of what was shown before.</summary>
    public void Show(string what)
    {
        lock (_lock)
        {
            if (output.ErrorTerminal is { } terminal)
            {
                terminal.Write($"\r{what.PadRight(_width)}");
                terminal.Flush();
                _width = what.Length;
            }
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
        if (_width > 0)
        {
            Show("");
            output.ErrorTerminal!.Write('\r');
        }
    }
}
