namespace MoEActors.Placement;

/// <summary>A shard that goes from one rank to another.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="From">The rank that holds it.</param>
/// <param name="To">The rank that is to hold it.</param>
public readonly record struct ShardTransfer(ShardId Shard, int From, int To);
