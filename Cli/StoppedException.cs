namespace MoEActors.Cli;

/// <summary>A command that was cancelled and has tidied up. The message says where it stopped and how to go on.</summary>
internal sealed class StoppedException(string message, CancellationToken cancellation) : OperationCanceledException(message, cancellation);
