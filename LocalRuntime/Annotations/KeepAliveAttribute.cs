namespace Orleans;

/// <summary>Keeps idle activations of this grain class from being collected.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class KeepAliveAttribute : Attribute
{
}
