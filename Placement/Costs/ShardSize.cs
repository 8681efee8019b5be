namespace MoEActors.Placement.Costs;

/// <summary>Sizes of one expert shard, in bytes.</summary>
/// <param name="GradientBytes">Gradients, reduced among replicas every step.</param>
/// <param name="StateBytes">Weights and optimizer moments: what a move carries.</param>
/// <param name="TokenBytes">One token's row in an exchange.</param>
public sealed record ShardSize(long GradientBytes, long StateBytes, long TokenBytes);
