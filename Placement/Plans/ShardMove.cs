namespace MoEActors.Placement.Plans;

/// <summary>A shard arrives on a worker where its expert was not. Its state is copied from a worker that has it.</summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="From">Rank that sends the state; it keeps its own replica unless the new placement drops it.</param>
/// <param name="To">Rank that receives it.</param>
public readonly record struct ShardMove(int Layer, int Expert, int From, int To);
