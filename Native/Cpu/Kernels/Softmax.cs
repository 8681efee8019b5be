using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

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

/// <summary>Softmax of each row, and the logarithm of its denominator unless that span is empty.</summary>
internal readonly unsafe struct SoftmaxKernel(Matrix logits, Matrix probabilities, DeviceSpan<float> logSumExp) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = logits.Columns;
        float* x = logits.Row(row), p = probabilities.Row(row);
        float maximum = RowReduction.Max(x, columns);
        float sum = SoftmaxRow.StoreExponentials(x, p, columns, 1f, maximum);
        MatrixRows.Scale(p, p, columns, 1f / sum);
        if (!logSumExp.IsEmpty)
        {
            logSumExp.Pointer[row] = maximum + MathF.Log(sum);
        }
    }
}

/// <summary>dLogits = p·(dp − Σ dp·p), row by row.</summary>
internal readonly unsafe struct SoftmaxGradientKernel(Matrix probabilities, Matrix dProbabilities, Matrix dLogits) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row) =>
        SoftmaxRow.Gradient(probabilities.Row(row), dProbabilities.Row(row), dLogits.Row(row), dLogits.Columns, 1f);
}

/// <summary>Softmax over the columns up to each row's own position; the rest becomes 0.</summary>
internal readonly unsafe struct CausalSoftmaxKernel(Matrix scores, int sequenceLength, float scale) : IRowKernel
{
    /// <summary>How many of <paramref name="columns"/> are visible to a row.</summary>
    public static int Visible(int row, int sequenceLength, int columns) => Math.Min(row % sequenceLength + 1, columns);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = scores.Columns;
        float* x = scores.Row(row);
        int visible = Visible(row, sequenceLength, columns);
        float maximum = scale * RowReduction.Max(x, visible);
        float sum = SoftmaxRow.StoreExponentials(x, x, visible, scale, maximum);
        MatrixRows.Scale(x, x, visible, 1f / sum);
        new Span<float>(x + visible, columns - visible).Clear();
    }
}

/// <summary>Gradient of the causal softmax by its scores, in place.</summary>
internal readonly unsafe struct CausalSoftmaxGradientKernel(Matrix probabilities, Matrix gradient, int sequenceLength, float scale) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = gradient.Columns;
        float* dx = gradient.Row(row);
        int visible = CausalSoftmaxKernel.Visible(row, sequenceLength, columns);
        SoftmaxRow.Gradient(probabilities.Row(row), dx, dx, visible, scale);
        new Span<float>(dx + visible, columns - visible).Clear();
    }
}
