namespace Orleans.Concurrency;

/// <summary>Marks an interface method whose caller does not wait for an answer.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OneWayAttribute : Attribute
{
}
