namespace MoEActors.Placement.Topology;

/// <summary>What one worker can hold.</summary>
/// <param name="Host">Name of the host that the worker runs on.</param>
/// <param name="SlotsPerLayer">Expert shards that it may hold of every layer.</param>
/// <param name="MemoryBytes">Memory for expert shards of all layers, in bytes.</param>
public sealed record WorkerCapacity(string Host, int SlotsPerLayer, long MemoryBytes = long.MaxValue);
