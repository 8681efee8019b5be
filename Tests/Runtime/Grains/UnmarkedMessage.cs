namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A type that may not travel.</summary>
public sealed class UnmarkedMessage
{
    public int Number { get; set; }
}
