using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The standard normal distribution, which is what the exact form of GELU multiplies its argument with.</summary>
internal static class NormalDistribution
{
    /// <summary>1/√(2π): the density is this times the bell.</summary>
    public const float DensityAtZero = 0.398942280f;

    /// <summary>From here on the tail is less than the smallest float.</summary>
    private const float End = 15f;

    /// <summary>
    /// Φ(x) and the bell e^(-x²/2), which the density shares. The tail is the bell times Mills' ratio, and that is u·P(u) with
    /// u = 1/(1 + 0.35·|x|), P of degree 8 with a relative error of 3e-8 (Remez on [0, 15]). So the tail keeps its relative
    /// accuracy far out, where 1 + erf would have cancelled to nothing.
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
