namespace MoEActors.Grains.Interfaces.Director;

/// <summary>An expert comes to a worker that did not have it.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="From">Rank that it is copied from, which keeps it if the plan says so.</param>
/// <param name="To">Rank that it comes to.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.arrival")]
public readonly record struct ShardArrival([property: Id(0)] int Expert, [property: Id(1)] int From, [property: Id(2)] int To);
