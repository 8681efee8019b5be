using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>
/// A terminal's second buffer, which full-screen programs draw on, without a cursor. However the process ends, short of being killed, the terminal gets its first
/// buffer and its cursor back.
/// </summary>
internal sealed class AlternateScreen : IDisposable
{
    private readonly IAnsiConsole _console;
    private readonly Lock _lock = new();
    private bool _left;

    /// <summary>Takes the terminal.</summary>
    public AlternateScreen(IAnsiConsole console)
    {
        _console = console;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        _console.WriteAnsi(writer => writer.EnterAltScreen().HideCursor().CursorHome().EraseInDisplay(2));
    }

    /// <summary>Draws a picture over the one before.</summary>
    /// <returns>Whether it could be drawn; a terminal that is gone takes none.</returns>
    public bool TryDraw(IReadOnlyList<SegmentLine> lines)
    {
        lock (_lock)
        {
            return !_left && TryWrite(_console, lines, isDrawnOver: true);
        }
    }

    /// <summary>Writes lines, over the screen or behind what is there.</summary>
    /// <returns>Whether they could be written.</returns>
    public static bool TryWrite(IAnsiConsole console, IReadOnlyList<SegmentLine> lines, bool isDrawnOver)
    {
        try
        {
            console.Write(new ScreenLines(lines, isDrawnOver));
            if (!isDrawnOver)
            {
                console.WriteLine();
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Gives the terminal back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_left)
            {
                return;
            }

            _left = true;
            AppDomain.CurrentDomain.ProcessExit -= OnExit;
            try
            {
                // Erased first: a terminal without a second buffer has it all on its first.
                _console.WriteAnsi(writer => writer.CursorHome().EraseInDisplay(0).ShowCursor().ExitAltScreen());
            }
            catch (IOException)
            {
                // The terminal is gone, and with it the screen.
            }
        }
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();
}
