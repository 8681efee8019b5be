using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Elementary functions of 16 floats at once.</summary>
internal static class VectorMath
{
    /// <summary>Arguments beyond these give 0 and infinity in any case; inside, 2ⁿ can be applied in two halves.</summary>
    private const float Lowest = -104f, Highest = 89f;

    /// <summary>log 2 in two parts: the first has nine bits, so that its product with n is exact.</summary>
    private const float Log2High = 0.693359375f, Log2Low = -2.12194440e-4f;

    /// <summary>
    /// eˣ, within 1 ulp (subnormal results within one step): x = n·log 2 + r, and a polynomial of degree 6 for eʳ whose
    /// relative error is 3e-9 (Remez).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // The native minimum and maximum return their second operand when one is NaN.
        x = Vector512.MaxNative(Vector512.Create(Lowest), x);
        x = Vector512.MinNative(Vector512.Create(Highest), x);
        Vector512<float> n = Vector512.Round(x * Vector512.Create(1.44269504f));
        Vector512<float> r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Log2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Log2Low), r);

        Vector512<float> p = Vector512.Create(0.00138145985f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.00836871688f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.041668388f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.166665206f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.499999934f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        return Scale(p, n);
    }

    /// <summary>1/(1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) =>
        Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary>x·2ⁿ, rounded once, for whole n in [-151, 129].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scale(Vector512<float> x, Vector512<float> n)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.Scale(x, n);
        }

        // 2ⁿ itself may not be a float; the first of two factors leaves a normal number, so only the second rounds.
        Vector512<int> whole = Vector512.ConvertToInt32(n);
        Vector512<int> half = whole >> 1;
        return x * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    private static Vector512<float> PowerOfTwo(Vector512<int> n) => ((n + Vector512.Create(127)) << 23).AsSingle();
}

/// <summary>The standard normal distribution, which is what the exact form of GELU multiplies its argument by.</summary>
internal static class NormalDistribution
{
    /// <summary>1/√(2π): the density is this times the bell.</summary>
    public const float DensityAtZero = 0.398942280f;

    /// <summary>From here on the tail is less than the smallest float.</summary>
    private const float End = 15f;

    /// <summary>
    /// Φ(x) and the bell e^(-x²/2), which the density shares. The tail is the bell times Mills' ratio, and that is u·P(u) with
    /// u = 1/(1 + 0.35·|x|), P of degree 8 with a relative error of 3e-8 (Remez on [0, 15]). So the tail keeps its relative
    /// accuracy far out, where 1 + erf would cancel completely.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Cumulative(Vector512<float> x, out Vector512<float> bell)
    {
        Vector512<float> t = Vector512.MinNative(Vector512.Abs(x), Vector512.Create(End));

        // What x² loses by rounding would be multiplied by its size in the exponential; it is put back to first order.
        Vector512<float> minusHalf = Vector512.Create(-0.5f);
        Vector512<float> square = t * t;
        Vector512<float> lost = Vector512.FusedMultiplyAdd(t, t, -square);
        bell = VectorMath.Exp(square * minusHalf);
        bell = Vector512.FusedMultiplyAdd(bell, lost * minusHalf, bell);

        Vector512<float> u = Vector512<float>.One / Vector512.FusedMultiplyAdd(t, Vector512.Create(0.35f), Vector512<float>.One);
        Vector512<float> p = Vector512.Create(-0.0291637902f);
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.144060161f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(-0.255900583f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.159391509f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(-0.0232629165f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.105574435f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.119815585f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.139864325f));
        p = Vector512.FusedMultiplyAdd(p, u, Vector512.Create(0.139621259f));

        Vector512<float> tail = bell * (p * u);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<float>.Zero), Vector512<float>.One - tail, tail);
    }
}
