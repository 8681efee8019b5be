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

    /// <summary>Student's t that 2.5 of 100 are above, by degrees of freedom from 1 on.</summary>
    private static readonly double[] Student =
    [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314,
        2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452,
    ];

    /// <summary>
    /// The mean, and how far from it that of what the samples were drawn from is at most in 95 of 100 cases, if that is about normal (Student, Biometrika 6, 1908). Of one sample, no distance is enough.
    /// </summary>
    /// <param name="samples">One to thirty.</param>
    public static (double Mean, double Half) MeanInterval(double[] samples)
    {
        double mean = samples.Average();
        return samples.Length == 1
            ? (mean, double.PositiveInfinity)
            : (mean, Student[samples.Length - 2] * Math.Sqrt(samples.Sum(one => (one - mean) * (one - mean)) / (samples.Length - 1) / samples.Length));
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
