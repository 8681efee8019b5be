namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A positional record with members besides its parameters.</summary>
[GenerateSerializer]
public sealed record MixedRecord(string Name)
{
    [Id(0)]
    public required int[] Numbers { get; init; }
}
