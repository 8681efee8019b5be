namespace MoEActors.Grains.Memory;

/// <summary>What the workers of an epoch need.</summary>
/// <param name="Shape">The micro-batch.</param>
/// <param name="Skew">Rows that come to a worker's experts over its equal share.</param>
/// <param name="Workers">By rank.</param>
public sealed record MemoryEstimate(MicroBatchShape Shape, double Skew, IReadOnlyList<WorkerEstimate> Workers);
