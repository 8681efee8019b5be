using MoEActors.Placement.Map;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A move on its way to a worker host.</summary>
/// <param name="Layer">Layer of the shard.</param>
/// <param name="Expert">Expert of the shard.</param>
/// <param name="From">The rank that holds it.</param>
/// <param name="To">The rank that is to hold it.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.move")]
public readonly record struct ShardTransferMessage(
    [property: Id(0)] int Layer, [property: Id(1)] int Expert, [property: Id(2)] int From, [property: Id(3)] int To)
{
    /// <summary>The expert whose shard it is.</summary>
    public ExpertId ExpertId => new(Layer, Expert);
}
