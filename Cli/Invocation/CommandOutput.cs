namespace MoEActors.Cli.Invocation;

/// <summary>Where a command writes.</summary>
/// <param name="Out">Results; nothing else when the command reports as JSON.</param>
/// <param name="Error">Errors and remarks.</param>
/// <param name="Verbose">Whether errors show where they come from.</param>
internal sealed record CommandOutput(TextWriter Out, TextWriter Error, bool Verbose)
{
    /// <summary>Names that a remark lists before it only counts.</summary>
    private const int NamesShown = 5;

    private const int MostColumns = 80;

    /// <summary>True when <see cref="Out"/> is a terminal, so that it can be redrawn.</summary>
    public bool IsTerminal => Out is ProgramWriter { Terminal: not null };

    /// <summary>Columns of a page on <see cref="Out"/>: eighty, or those of the terminal where it has fewer.</summary>
    public int Columns => IsTerminal ? Math.Min(MostColumns, TerminalColumns.Now()) : MostColumns;

    /// <summary>True when nobody reads <see cref="Out"/> any more.</summary>
    public bool IsUnread => Out is ProgramWriter { IsUnread: true };

    /// <summary>The terminal of <see cref="Error"/>, for lines that are drawn over; null where it is none.</summary>
    public TextWriter? ErrorTerminal => (Error as ProgramWriter)?.Terminal;

    /// <summary>A remark on some names, if there are any: how many, and the first of them.</summary>
    public void Remark(string what, IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            int shown = Verbose ? names.Count : NamesShown;
            string more = names.Count > shown ? $" and {names.Count - shown:N0} more ({CommandAction.Verbose} names all)" : "";
            Error.WriteLine($"{what} ({names.Count:N0}): {string.Join(", ", names.Take(shown).Select(VisibleText.OfName))}{more}");
        }
    }
}
