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

    /// <summary>
    /// Between which samples the median of what they were drawn from is in 95 of 100 cases, whatever its distribution: by how many of them would have to lie on one side. Of fewer
    /// than six, all.
    /// </summary>
    public static (double Low, double High) MedianInterval(double[] samples)
    {
        double[] sorted = [.. samples];
        Array.Sort(sorted);

        // The most samples on one side, from the outside, whose chance is 2.5 of 100 together.
        int outside = 0;
        double chance = Math.Pow(0.5, sorted.Length), sum = chance;
        while (sum <= 0.025)
        {
            chance *= (double)(sorted.Length - outside) / (outside + 1);
            outside++;
            sum += chance;
        }

        int first = Math.Max(0, outside - 1);
        return (sorted[first], sorted[^(first + 1)]);
    }
}
