namespace Orleans.Concurrency;

/// <summary>Lets this interface method interleave with other read-only requests.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ReadOnlyAttribute : Attribute
{
}
