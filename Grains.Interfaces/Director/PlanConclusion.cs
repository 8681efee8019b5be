namespace MoEActors.Grains.Interfaces.Director;

/// <summary>How a plan ended.</summary>
/// <param name="Number">Number of the decision.</param>
/// <param name="Step">The last step before the placement was in force, or the one at which it was given up.</param>
/// <param name="ShardsMoved">Shards that arrived.</param>
/// <param name="Failure">Why it was given up; null when it is in force.</param>
/// <param name="CopySeconds">Seconds that its copies took beside the steps.</param>
/// <param name="WaitSeconds">Seconds that steps had to wait for them.</param>
/// <param name="BytesMoved">Bytes of state that travelled.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.conclusion")]
public sealed record PlanConclusion(
    [property: Id(0)] long Number, [property: Id(1)] long Step, [property: Id(2)] int ShardsMoved, [property: Id(3)] string? Failure,
    [property: Id(4)] double CopySeconds, [property: Id(5)] double WaitSeconds, [property: Id(6)] long BytesMoved);
