namespace MoEActors.Grains.Experts;

/// <summary>What an expert grain takes along when it follows its shard to another silo: never weights, which have gone ahead.</summary>
/// <param name="Shard">The shard, as <c>layer/expert/replica.slice</c>.</param>
/// <param name="Version">Committed steps on the silo that it left.</param>
[GenerateSerializer, Immutable, Alias("moe.expert.manifest")]
public sealed record ExpertManifest([property: Id(0)] string Shard, [property: Id(1)] long Version);
