namespace MoEActors.Cli.Invocation;

/// <summary>One line of a terminal that is drawn over.</summary>
/// <param name="terminal">The terminal.</param>
/// <param name="columns">Its columns now: a line that went on in a second row could not be drawn over.</param>
internal sealed class DrawnLine(TextWriter terminal, Func<int> columns)
{
    private int _cells;

    /// <summary>Shows a text in place of the one before.</summary>
    public void Show(string text)
    {
        string line = WordWrap.Fit(text, columns() - 1);
        int cells = WordWrap.Cells(line);
        terminal.Write($"\r{line}{new string(' ', Math.Max(0, _cells - cells))}");
        terminal.Flush();
        _cells = cells;
    }

    /// <summary>Leaves an empty line, if there was one, with the cursor at its beginning.</summary>
    public void Clear()
    {
        if (_cells > 0)
        {
            Show("");
            terminal.Write('\r');
        }
    }
}
