namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Hash the parameters.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.fingerprint")]
public sealed class FingerprintOrder : WorkOrder;
