namespace MoEActors.Benchmarks;

/// <summary>Statistics of samples.</summary>
public static class Samples
{
    /// <summary>The middle one; of an even number, the upper of the two.</summary>
    public static double Median(double[] samples)
    {
        double[] sorted = [.. samples];
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }
}
