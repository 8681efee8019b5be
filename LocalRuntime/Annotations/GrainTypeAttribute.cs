namespace Orleans;

/// <summary>Names the type of a grain class, the first part of its <see cref="Runtime.GrainId"/>s.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class GrainTypeAttribute(string grainType) : Attribute
{
    internal string GrainType { get; } = grainType;
}
