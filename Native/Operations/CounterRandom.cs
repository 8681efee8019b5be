namespace MoEActors.Native.Operations;

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
