using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>
/// Random numbers that are functions of (key, row, column), never of a state: row i draws from the stream
/// <c>CounterRandom.Next(key, i)</c>, so that the numbers are the same on any worker, with any number of threads and in a repeated pass.
/// </summary>
public interface IRandomOperations
{
    /// <summary><c>x[i, j] += deviation·N(0, 1)</c>, Box–Muller on the columns 2·⌊j/2⌋ and its successor.</summary>
    /// <param name="x">[n, columns].</param>
    /// <param name="key">The key.</param>
    /// <param name="deviation">Standard deviation.</param>
    void AddNormal(in Matrix x, ulong key, float deviation);

    /// <summary>
    /// <c>y (+)= x·u</c>, element by element, u uniform in [1 − <paramref name="spread"/>, 1 + <paramref name="spread"/>). With the same
    /// key it is also its own gradient: the factors are computed again, not kept.
    /// </summary>
    /// <param name="x">[n, columns].</param>
    /// <param name="key">The key.</param>
    /// <param name="spread">How far a factor may be from 1.</param>
    /// <param name="y">[n, columns]; may be the memory of <paramref name="x"/>.</param>
    /// <param name="accumulation">Whether y is stored or added to.</param>
    void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation);
}

/// <summary>
/// Random numbers as a function of (key, counter): no state, so that any worker computes any element. The mixing function is
/// the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
/// </summary>
public static class CounterRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>64 well-mixed bits of <paramref name="value"/>.</summary>
    public static ulong Mix(ulong value)
    {
        value += Golden;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>64 bits for element <paramref name="counter"/> of the stream <paramref name="key"/>.</summary>
    public static ulong Next(ulong key, ulong counter) => Mix(key + counter * Golden);

    /// <summary>The key of the stream number <paramref name="index"/> of those that belong to <paramref name="key"/>.</summary>
    public static ulong Derive(ulong key, ulong index) => Mix(Mix(key) ^ Mix(~index));

    /// <summary>Uniform in [0, 1) with 53 bits.</summary>
    public static double Uniform(ulong key, ulong counter) => (Next(key, counter) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Two independent standard normals (Box–Muller) for the counters <paramref name="counter"/> and its successor.</summary>
    public static (double First, double Second) NormalPair(ulong key, ulong counter)
    {
        double radius = Math.Sqrt(-2.0 * Math.Log(1.0 - Uniform(key, counter)));
        (double sine, double cosine) = Math.SinCos(2.0 * Math.PI * Uniform(key, counter + 1));
        return (radius * cosine, radius * sine);
    }

    /// <summary>A 64-bit hash of bytes (FNV-1a, then mixed).</summary>
    public static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        return Mix(hash);
    }
}
