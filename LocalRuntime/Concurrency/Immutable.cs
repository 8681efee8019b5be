namespace Orleans.Concurrency;

/// <summary>Wraps a value that is passed without being copied.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
[GenerateSerializer]
[Immutable]
public readonly struct Immutable<T>(T value)
{
    /// <summary>The value.</summary>
    [Id(0)]
    public readonly T Value = value;
}
