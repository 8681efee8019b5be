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

/// <summary>The columns that the rows of attention's scores, [(sequence, head, query), key], see: from a first key up to the query's own position.</summary>
internal readonly unsafe struct VisibleKeys(int heads, int length, DeviceSpan<int> firstKeys)
{
    /// <summary>The first visible column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int First(int row) => firstKeys.IsEmpty ? 0 : firstKeys.Pointer[(nint)(row / (heads * length)) * length + row % length];

    /// <summary>Behind the last visible column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int End(int row) => row % length + 1;
}

/// <summary>Softmax over the keys that each query sees; the other columns become 0.</summary>
internal readonly unsafe struct CausalSoftmaxKernel(Matrix scores, int heads, DeviceSpan<int> firstKeys, float scale) : IRowKernel
{
    private readonly VisibleKeys _visible = new(heads, scores.Columns, firstKeys);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = scores.Columns, first = _visible.First(row), end = _visible.End(row);
        float* all = scores.Row(row), x = all + first;
        int visible = end - first;
        float maximum = scale * RowReduction.Max(x, visible);
        float sum = SoftmaxRow.StoreExponentials(x, x, visible, scale, maximum);
        MatrixRows.Scale(x, x, visible, 1f / sum);
        new Span<float>(all, first).Clear();
        new Span<float>(all + end, columns - end).Clear();
    }
}

/// <summary>Gradient of the causal softmax by its scores, in place.</summary>
internal readonly unsafe struct CausalSoftmaxGradientKernel(
    Matrix probabilities, Matrix gradient, int heads, DeviceSpan<int> firstKeys, float scale) : IRowKernel
{
    private readonly VisibleKeys _visible = new(heads, gradient.Columns, firstKeys);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = gradient.Columns, first = _visible.First(row), end = _visible.End(row);
        float* dx = gradient.Row(row);
        SoftmaxRow.Gradient(probabilities.Row(row) + first, dx + first, dx + first, end - first, scale);
        new Span<float>(dx, first).Clear();
        new Span<float>(dx + end, columns - end).Clear();
    }
}
