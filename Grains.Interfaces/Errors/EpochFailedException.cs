namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>An epoch that did not open, or one that ended because a worker failed. The committed state is untouched.</summary>
[GenerateSerializer]
[Alias("moe.error.epoch")]
public sealed class EpochFailedException(string message) : MoEException(message);
