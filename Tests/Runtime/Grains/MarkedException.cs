namespace MoEActors.Tests.Runtime.Grains;

/// <summary>An exception with a codec.</summary>
[GenerateSerializer]
public sealed class MarkedException(string message) : Exception(message)
{
    [Id(0)]
    public int Code { get; init; }
}
