namespace MoEActors.Cli.Commands;

/// <summary>The options of a command, read from its arguments.</summary>
internal interface ICommandOptions
{
    /// <summary>Checks what concerns several options at once; each alone has been checked when it was read.</summary>
    /// <exception cref="UsageException">Options contradict each other; the message names them.</exception>
    void Validate();
}
