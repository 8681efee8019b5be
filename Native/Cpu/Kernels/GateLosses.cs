using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>dLogits += 2·factor·lse·softmax(logits), without the rows that take no part.</summary>
internal readonly unsafe struct ZLossGradientKernel(
    Matrix logits, DeviceSpan<float> logSumExp, DeviceSpan<int> valid, float factor, Matrix dLogits) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = logits.Columns;
        if (!valid.IsEmpty && valid.Pointer[row] == 0)
        {
            return;
        }

        float* x = logits.Row(row), dx = dLogits.Row(row);
        float lse = logSumExp.Pointer[row];
        Vector512<float> denominator = Vector512.Create(lse), slope = Vector512.Create(2f * factor * lse);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> gradient = slope * VectorMath.Exp(Lanes.Load(x + i, left) - denominator);
            Lanes.Store(dx + i, Lanes.Load(dx + i, left) + gradient, left);
        }
    }
}

/// <summary>A token's scores, or its scores divided by their sum.</summary>
internal readonly unsafe struct ScoreTerm(Matrix scores, DeviceSpan<int> valid, bool normalise) : ITokenTerm
{
    public int Rows => scores.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        bool part = valid.IsEmpty || valid.Pointer[row] != 0;
        factor = Vector512.Create(part && normalise ? 1f / RowReduction.Sum(scores.Row(row), scores.Columns) : 1f);
        return part;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor) =>
        Vector512.FusedMultiplyAdd(Lanes.Load(scores.Row(row) + column, left), factor, sum);
}

/// <summary>
/// Gradient of a sum of scores over tokens: every token that takes part gets the sums' gradient g, or, where scores were
/// divided by their sum S, (g − Σ g·p)/S.
/// </summary>
internal readonly unsafe struct ScoreSumsGradientKernel(
    Matrix scores, DeviceSpan<int> valid, bool normalise, DeviceSpan<float> sumsGradient, Matrix dScores) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        float* g = sumsGradient.Pointer;
        int columns = scores.Columns;
        if (!valid.IsEmpty && valid.Pointer[row] == 0)
        {
            return;
        }

        float factor = 1f, mean = 0f;
        if (normalise)
        {
            factor = 1f / RowReduction.Sum(scores.Row(row), columns);
            mean = RowReduction.Dot(g, scores.Row(row), columns) * factor;
        }

        float* to = dScores.Row(row);
        Vector512<float> factors = Vector512.Create(factor), means = Vector512.Create(mean);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Lanes.Store(to + i, Lanes.Load(to + i, left) + (Lanes.Load(g + i, left) - means) * factors, left);
        }
    }
}

/// <summary>The probability that fresh noise would lift a token's logit over the threshold: the last of the chosen noisy logits.</summary>
internal readonly unsafe struct SmoothLoadTerm(Matrix logits, Matrix noisy, DeviceSpan<int> choices, int k, float deviation) : ITokenTerm
{
    public int Rows => logits.Rows;

    public bool TakesPart(int row, out Vector512<float> factor)
    {
        int last = choices.Pointer[(nint)row * k + k - 1];
        factor = Vector512.Create(last < 0 ? 0f : noisy.Row(row)[last]);
        return last >= 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Add(Vector512<float> sum, int row, int column, int left, Vector512<float> factor)
    {
        Vector512<float> distance = (Lanes.Load(logits.Row(row) + column, left) - factor) / Vector512.Create(deviation);
        return sum + NormalDistribution.Cumulative(distance, out _);
    }
}

/// <summary>
/// dLogits[t, e] += s with s = g[e]·φ((a − θ)/σ)/σ, and −Σ s to the logit that set the threshold.
/// </summary>
internal readonly unsafe struct SmoothLoadGradientKernel(
    Matrix logits, Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, Matrix dLogits) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = logits.Columns;
        Vector512<float> deviations = Vector512.Create(deviation);
        Vector512<float> density = Vector512.Create(NormalDistribution.DensityAtZero) / deviations;
        int last = choices.Pointer[(nint)row * k + k - 1];
        if (last < 0)
        {
            return;
        }

        float* a = logits.Row(row), g = loadGradient.Pointer, to = dLogits.Row(row);
        Vector512<float> threshold = Vector512.Create(noisy.Row(row)[last]), sum = Vector512<float>.Zero;
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            _ = NormalDistribution.Cumulative((Lanes.Load(a + i, left) - threshold) / deviations, out Vector512<float> bell);
            Vector512<float> slope = Lanes.Load(g + i, left) * (bell * density);
            sum += slope;
            Lanes.Store(to + i, Lanes.Load(to + i, left) + slope, left);
        }

        to[last] -= Lanes.Sum(sum);
    }
}

/// <summary>−Σ p·ln p of each row; where p is 0 there is nothing to add.</summary>
internal readonly unsafe struct EntropyKernel(Matrix scores, bool normalise, DeviceSpan<float> entropies) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row) => entropies.Pointer[row] = Entropy(scores.Row(row));

    [MethodImpl(Compilation.AtOnce)]
    private float Entropy(float* row)
    {
        Vector512<float> divisor = Vector512.Create(normalise ? RowReduction.Sum(row, scores.Columns) : 1f), sum = Vector512<float>.Zero;
        for (int i = 0; i < scores.Columns; i += Lanes.Count)
        {
            Vector512<float> p = Lanes.Load(row + i, scores.Columns - i) / divisor;
            Vector512<float> term = p * Vector512.Log(p);
            sum -= Vector512.ConditionalSelect(Vector512.Equals(p, Vector512<float>.Zero), Vector512<float>.Zero, term);
        }

        return Lanes.Sum(sum);
    }
}
