namespace Orleans.Concurrency;

/// <summary>Lets the requests of this grain class interleave freely.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ReentrantAttribute : Attribute
{
}
