namespace MoEActors.Cli;

/// <summary>Arguments that are well-formed each and wrong together. The message names them.</summary>
internal sealed class UsageException(string message) : Exception(message);
