namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A step, and the micro-batches of it that the workers of one host have.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="MicroBatches">Micro-batches of the whole step.</param>
/// <param name="Targets">Predicted tokens of the whole step.</param>
/// <param name="Batches">The micro-batches of this host's workers.</param>
/// <param name="Forward">Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.step.share")]
public sealed record StepShare(
    [property: Id(0)] long Step, [property: Id(1)] int MicroBatches, [property: Id(2)] long Targets, [property: Id(3)] MicroBatchMessage[] Batches,
    [property: Id(4)] Guid Forward = default);
