namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A request that cannot be carried out as it stands: a configuration, a batch or a name that does not fit. Nothing has changed.</summary>
[GenerateSerializer]
[Alias("moe.error.invalid")]
public sealed class InvalidRequestException(string message) : MoEException(message);
