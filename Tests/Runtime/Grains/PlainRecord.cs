namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A positional record whose parameters carry no numbers.</summary>
[GenerateSerializer]
public sealed record PlainRecord(string Name, int[] Numbers);
