namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>An auxiliary loss of one micro-batch at one gate.</summary>
/// <param name="MicroBatch">Place in the step.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Value">The loss, without its coefficient.</param>
/// <param name="Weighted">The loss times its coefficient.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.auxiliary")]
public readonly record struct AuxiliaryPart(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] string Name, [property: Id(3)] double Value,
    [property: Id(4)] double Weighted);
