namespace Orleans.Concurrency;

/// <summary>Shorthand for <see cref="Immutable{T}"/>.</summary>
public static class ImmutableExtensions
{
    /// <summary>Wraps <paramref name="value"/>.</summary>
    public static Immutable<T> AsImmutable<T>(this T value) => new(value);
}
