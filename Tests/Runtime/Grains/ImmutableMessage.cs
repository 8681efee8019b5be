namespace MoEActors.Tests.Runtime.Grains;

[GenerateSerializer]
[Immutable]
public sealed record ImmutableMessage([property: Id(0)] int[] Numbers);
