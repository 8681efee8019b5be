namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A placement that cannot work: it names no worker, misses an expert, or a shard is not where it says. The old epoch goes on.</summary>
[GenerateSerializer]
[Alias("moe.error.placement")]
public sealed class PlacementRefusedException(string message) : MoEException(message);
