namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A change of placement that was given up. The epoch goes on with the placement it had, and nothing is lost.</summary>
[GenerateSerializer]
[Alias("moe.error.move")]
public sealed class MoveFailedException(string message) : MoEException(message);
