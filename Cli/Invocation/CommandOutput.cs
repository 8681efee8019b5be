namespace MoEActors.Cli.Invocation;

/// <summary>Where a command writes.</summary>
/// <param name="Out">Results; nothing else when the command reports as JSON.</param>
/// <param name="Error">Errors and remarks.</param>
/// <param name="Verbose">Whether errors show where they come from.</param>
internal sealed record CommandOutput(TextWriter Out, TextWriter Error, bool Verbose)
{
    /// <summary>True when <see cref="Out"/> is a terminal, so that it can be redrawn.</summary>
    public bool IsTerminal => ReferenceEquals(Out, Console.Out) && !Console.IsOutputRedirected;

    /// <summary>True when <see cref="Error"/> is a terminal, so that it can be redrawn.</summary>
    public bool IsErrorTerminal => ReferenceEquals(Error, Console.Error) && !Console.IsErrorRedirected;
}
