namespace MoEActors.Tests.Runtime.Grains;

[GenerateSerializer]
public readonly record struct NumberedStruct([property: Id(0)] string Name, [property: Id(1)] int[] Numbers);
