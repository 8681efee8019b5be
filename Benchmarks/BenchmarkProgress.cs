namespace MoEActors.Benchmarks;

/// <summary>How far a benchmark is.</summary>
/// <param name="What">What it does.</param>
/// <param name="Done">Steps of it that have begun.</param>
public readonly record struct BenchmarkProgress(string What, int Done)
{
    /// <summary>The same items, reported as they are taken.</summary>
    internal static IEnumerable<T> Over<T>(IProgress<BenchmarkProgress>? progress, IEnumerable<T> items, string what)
    {
        int taken = 0;
        foreach (T item in items)
        {
            progress?.Report(new BenchmarkProgress(what, ++taken));
            yield return item;
        }
    }
}
