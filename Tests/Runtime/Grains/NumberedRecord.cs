namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A positional record whose parameters do.</summary>
[GenerateSerializer]
public sealed record NumberedRecord([property: Id(0)] string Name, [property: Id(1)] int[] Numbers);
