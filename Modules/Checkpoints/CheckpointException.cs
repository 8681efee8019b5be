namespace MoEActors.Modules.Checkpoints;

/// <summary>A checkpoint that cannot be read: missing, incomplete, foreign, or not of the model's shape.</summary>
/// <param name="message">Which file or tensor, what is wrong with it, and what to do.</param>
/// <param name="cause">The cause, if there is one.</param>
public sealed class CheckpointException(string message, Exception? cause = null) : Exception(message, cause);
