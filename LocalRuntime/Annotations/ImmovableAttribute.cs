namespace Orleans.Placement;

/// <summary>Keeps Orleans' own balancers from moving activations of this class. The embedded runtime has none.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ImmovableAttribute(ImmovableKind kind = ImmovableKind.Any) : Attribute
{
    /// <summary>Which of the balancers are meant.</summary>
    public ImmovableKind Kind { get; } = kind;
}
