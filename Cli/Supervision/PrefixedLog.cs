namespace MoEActors.Cli.Supervision;

/// <summary>One log of several processes: every line begins with the name of the process, in a colour of its own on a terminal.</summary>
/// <param name="output">Where lines go.</param>
internal sealed class PrefixedLog(CommandOutput output)
{
    private const string End = "\u001b[0m";

    private static readonly string[] Colours = ["\u001b[36m", "\u001b[33m", "\u001b[35m", "\u001b[32m", "\u001b[34m", "\u001b[31m"];

    private readonly Lock _lock = new();
    private readonly List<string> _names = [];

    /// <summary>Writes a line.</summary>
    /// <param name="name">Whose it is.</param>
    /// <param name="line">The line; the name need not be in it.</param>
    public void Write(string name, string line)
    {
        string rest = line.StartsWith($"{name} ", StringComparison.Ordinal) ? line[(name.Length + 1)..] : line;
        lock (_lock)
        {
            if ((output.Out as ProgramWriter)?.Terminal is { } terminal)
            {
                terminal.WriteLine($"{ColourOf(name)}{name}{End} {VisibleText.OfName(rest)}");
            }
            else
            {
                output.Out.WriteLine($"{name} {rest}");
                output.Out.Flush();
            }
        }
    }

    private string ColourOf(string name)
    {
        int index = _names.IndexOf(name);
        if (index < 0)
        {
            index = _names.Count;
            _names.Add(name);
        }

        return Colours[index % Colours.Length];
    }
}
