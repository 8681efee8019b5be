using System.Text;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// A stream of the program: what goes to a terminal is made visible (see <see cref="VisibleText"/>), pipes and files get every character as it is; and when it
/// can take no more, the error says so.
/// </summary>
/// <param name="inner">The console's own writer.</param>
/// <param name="isTerminal">Whether a person reads it as it comes.</param>
/// <param name="name">What it is called in the error; null to lose what cannot be written, as remarks are when nobody can read them.</param>
/// <param name="unread">Called when the reader of a pipe is gone; what is written after that is lost.</param>
/// <param name="columns">Columns of the terminal, whose lines end between words; null for lines as they are.</param>
internal sealed class ProgramWriter(TextWriter inner, bool isTerminal, string? name, Action? unread = null, Func<int>? columns = null) : TextWriter
{
    private readonly WordFlow? _flow = isTerminal && columns is not null ? new WordFlow(inner, columns) : null;

    /// <summary>Standard output.</summary>
    /// <param name="unread">Called when nobody reads it any more.</param>
    public static ProgramWriter Output(Action unread) => new(Console.Out, !Console.IsOutputRedirected, "standard output", unread, TerminalColumns.Now);

    /// <summary>Standard error.</summary>
    public static ProgramWriter Error() => new(Console.Error, !Console.IsErrorRedirected, name: null, columns: TerminalColumns.Now);

    /// <summary>The terminal itself, for lines that are drawn over; null where there is none.</summary>
    public TextWriter? Terminal => isTerminal ? inner : null;

    /// <summary>Whether the reader is gone.</summary>
    public bool IsUnread { get; private set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(string? value) => Try(() =>
    {
        if (_flow is null)
        {
            inner.Write(Shown(value));
        }
        else
        {
            _flow.Write(Shown(value));
        }
    });

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine() => Try(() =>
    {
        if (_flow is null)
        {
            inner.WriteLine();
        }
        else
        {
            _flow.EndLine();
        }
    });

    public override void WriteLine(string? value)
    {
        if (_flow is null)
        {
            Try(() => inner.WriteLine(Shown(value)));
            return;
        }

        Write(value);
        WriteLine();
    }

    public override void Flush() => Try(() =>
    {
        if (_flow is null)
        {
            inner.Flush();
        }
        else
        {
            _flow.Flush();
        }
    });

    /// <summary>Writes what waits for the rest of its word.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Try(() => _flow?.Finish());
        }

        base.Dispose(disposing);
    }

    private string? Shown(string? text) => isTerminal && text is not null ? VisibleText.Of(text) : text;

    private void Try(Action write)
    {
        if (IsUnread)
        {
            return;
        }

        if (!isTerminal && unread is not null && ClosedPipe.IsSeen())
        {
            IsUnread = true;
            unread();
            return;
        }

        try
        {
            write();
        }
        catch (UnauthorizedAccessException e) when (name is not null)
        {
            throw new LostOutputException($"{name} cannot be written: it is closed", e);
        }
        catch (IOException e)
        {
            // A terminal does not fill up; one that was closed takes nothing, and what is at work must still save.
            if (name is not null && !isTerminal)
            {
                throw new LostOutputException($"{name} cannot be written: {e.Message}", e);
            }
        }
    }
}

/// <summary>Standard output takes no more: its disk is full, or its reader failed.</summary>
internal sealed class LostOutputException(string message, Exception cause) : IOException(message, cause);

/// <summary>How wide the terminal is.</summary>
internal static class TerminalColumns
{
    /// <summary>Its columns; so many that nothing is cut where that is not known.</summary>
    public static int Now()
    {
        try
        {
            return Console.WindowWidth is > 0 and var columns ? columns : int.MaxValue;
        }
        catch (IOException)
        {
            return int.MaxValue;
        }
    }
}
