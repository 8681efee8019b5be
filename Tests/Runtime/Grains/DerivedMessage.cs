namespace MoEActors.Tests.Runtime.Grains;

[GenerateSerializer]
public sealed class DerivedMessage : Message
{
    [Id(0)]
    public double More { get; set; }
}
