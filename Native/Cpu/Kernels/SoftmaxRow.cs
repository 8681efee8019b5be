using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The pieces of softmax over one row, shared by gates, attention and the loss. A NaN makes the whole row NaN.</summary>
internal static unsafe class SoftmaxRow
{
    /// <summary>Σ exp(x − maximum).</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float SumExponentials(float* x, int count, float maximum)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            sum += Exponential(x + i, count - i, 1f, maximum);
        }

        return Lanes.Sum(sum);
    }

    /// <summary><c>y = exp(scale·x − maximum)</c>, and their sum.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float StoreExponentials(float* x, float* y, int count, float scale, float maximum)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> e = Exponential(x + i, count - i, scale, maximum);
            sum += e;
            Lanes.Store(y + i, e, count - i);
        }

        return Lanes.Sum(sum);
    }

    /// <summary><c>y *= factor</c>.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static void Scale(float* y, int count, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Lanes.Store(y + i, Lanes.Load(y + i, count - i) * factors, count - i);
        }
    }

    /// <summary><c>dx = scale·p·(dp − Σ dp·p)</c>; <paramref name="dx"/> may be one of the others.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static void Gradient(float* p, float* dp, float* dx, int count, float scale)
    {
        Vector512<float> mean = Vector512.Create(RowReduction.Dot(dp, p, count));
        Vector512<float> scales = Vector512.Create(scale);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            int left = count - i;
            Lanes.Store(dx + i, scales * Lanes.Load(p + i, left) * (Lanes.Load(dp + i, left) - mean), left);
        }
    }

    /// <summary>Missing elements become exp(−∞) = 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exponential(float* x, int left, float scale, float maximum)
    {
        Vector512<float> z = Lanes.Load(x, left, Vector512.Create(float.NegativeInfinity));
        return VectorMath.Exp(Vector512.FusedMultiplyAdd(z, Vector512.Create(scale), Vector512.Create(-maximum)));
    }
}
