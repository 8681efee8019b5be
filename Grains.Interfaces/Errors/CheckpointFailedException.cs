namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A checkpoint that could not be written or read. The model is as it was; so is the checkpoint that was there before.</summary>
[GenerateSerializer]
[Alias("moe.error.checkpoint")]
public sealed class CheckpointFailedException(string message) : MoEException(message);
