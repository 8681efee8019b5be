using MoEActors.Workers.Memory;

namespace MoEActors.Workers.Estimation;

/// <summary>What the workers of a view need.</summary>
/// <param name="Shape">The micro-batch.</param>
/// <param name="Skew">Rows that come to a worker's experts over its equal share.</param>
/// <param name="Workers">By rank.</param>
public sealed record MemoryEstimate(MicroBatchShape Shape, double Skew, IReadOnlyList<WorkerEstimate> Workers);
