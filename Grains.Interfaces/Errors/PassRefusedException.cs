namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>
/// A forward, backward or update of a layer that its workers refused: what it builds on is gone, or they cannot reach the caller's memory.
/// Parameters are as before; gradients of the step are lost, and it begins again with its first forward.
/// </summary>
[GenerateSerializer]
[Alias("moe.error.pass")]
public sealed class PassRefusedException(string message) : MoEException(message);
