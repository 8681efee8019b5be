namespace Orleans.Concurrency;

/// <summary>Lets this interface method interleave with every other request.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AlwaysInterleaveAttribute : Attribute
{
}
