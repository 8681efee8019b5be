namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>The losses of one micro-batch.</summary>
/// <param name="Index">Place in the step.</param>
/// <param name="CrossEntropySum">Σ over its tokens, nats.</param>
/// <param name="Auxiliary">Σ over layers of the weighted auxiliary losses.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.loss")]
public readonly record struct LossPart([property: Id(0)] int Index, [property: Id(1)] double CrossEntropySum, [property: Id(2)] double Auxiliary);
