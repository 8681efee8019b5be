namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Hash all parameters; the outcome is a <see cref="FingerprintOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.fingerprint")]
public sealed class FingerprintRequest : WorkRequest;
