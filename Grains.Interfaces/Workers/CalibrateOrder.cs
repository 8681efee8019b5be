namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Measure what the workers compute and send, all of them at once.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.calibrate")]
public sealed class CalibrateOrder : WorkOrder;
