namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>How undecided a router was in one micro-batch.</summary>
/// <param name="MicroBatch">Place in the step.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Tokens">Tokens that took part.</param>
/// <param name="EntropySum">Σ over them of −Σ p·ln p, nats.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.router")]
public readonly record struct RouterPart(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] long Tokens, [property: Id(3)] double EntropySum);
