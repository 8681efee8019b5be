using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>What particular gates need, and random numbers by counter.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <summary>An element of random numbers costs about as much as this many of an ordinary kernel's.</summary>
    private const int RandomCost = 16;

    /// <inheritdoc />
    public void NormalizeRows(in Matrix x, float epsilon, in Matrix y, DeviceSpan<float> inverseNorms)
    {
        Operands.SameShape(y, x);
        Operands.HasLength(inverseNorms, x.Rows);
        ForRows(x.Rows, x.Columns, new NormalizeRowsKernel(x, epsilon, y, inverseNorms));
    }

    /// <inheritdoc />
    public void NormalizeRowsGradient(
        in Matrix y, DeviceSpan<float> inverseNorms, float epsilon, in Matrix dy, in Matrix dx, Accumulation accumulation)
    {
        Operands.SameShape(dy, y);
        Operands.SameShape(dx, y);
        Operands.HasLength(inverseNorms, y.Rows);
        ForRows(y.Rows, y.Columns, new NormalizeRowsGradientKernel(y, inverseNorms, epsilon, dy, dx, accumulation));
    }

    /// <inheritdoc />
    public void DotRows(in Matrix a, in Matrix b, DeviceSpan<float> dots)
    {
        Operands.SameShape(b, a);
        Operands.HasLength(dots, a.Rows);
        ForRows(a.Rows, a.Columns, new DotRowsKernel(a, b, dots));
    }

    /// <inheritdoc />
    public void ScaleByExponential(DeviceSpan<float> x, DeviceSpan<float> exponent, float highest)
    {
        Operands.HasLength(exponent, 1);
        Scale(x, MathF.Exp(MathF.Min(*exponent.Pointer, highest)));
    }

    /// <inheritdoc />
    public void AddExponentGradient(DeviceSpan<float> dots, DeviceSpan<float> exponent, float highest, DeviceSpan<float> gradient)
    {
        Operands.HasLength(exponent, 1);
        Operands.HasLength(gradient, 1);
        if (*exponent.Pointer <= highest)
        {
            AddColumnSums(new Matrix(dots, dots.Length, 1), gradient);
        }
    }

    /// <inheritdoc />
    public void MaskGroups(in Matrix scores, DeviceSpan<float> bias, int groups, int kept, in Matrix masked)
    {
        Operands.SameShape(masked, scores);
        Operands.HasLengthOrIsEmpty(bias, scores.Columns);
        Operands.Groups(scores, groups, kept);
        ForRows(scores.Rows, scores.Columns, new MaskGroupsKernel(scores, bias, groups, kept, masked));
    }

    /// <inheritdoc />
    public void Entropies(in Matrix scores, bool normalise, DeviceSpan<float> entropies)
    {
        Operands.RowMajor(scores);
        Operands.HasLength(entropies, scores.Rows);
        ForRows(scores.Rows, scores.Columns, new EntropyKernel(scores, normalise, entropies));
    }

    /// <inheritdoc />
    public void DrawSecond(in Matrix logits, in Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices)
    {
        Operands.SameShape(scores, logits);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 2);
        Operands.HasLength(choices, (long)logits.Rows * k);
        Operands.InRange(choices, -1, logits.Columns);
        ForRows(logits.Rows, logits.Columns * RandomCost, new DrawSecondKernel(logits, scores, key, scale, k, choices));
    }

    /// <inheritdoc />
    public void TopRows(in Matrix scores, DeviceSpan<int> valid, int count, DeviceSpan<int> rows)
    {
        Operands.RowMajor(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(rows, (long)scores.Columns * count);
        DeviceSpan<int> keys = _scratch.Take<int>(checked(scores.Rows * scores.Columns));
        ForRows(scores.Columns, scores.Rows * TopRowsKernel.Passes, new TopRowsKernel(scores, valid, count, keys, rows));
    }

    /// <inheritdoc />
    public void ColumnsOfRows(DeviceSpan<int> rows, int count, int k, DeviceSpan<int> choices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        int limit = choices.Length / k;
        Operands.HasLength(choices, (long)limit * k);
        Operands.InRange(rows, -1, limit);
        Span<int> from = rows.AsSpan(), to = choices.AsSpan(), next = _scratch.Take<int>(limit).AsSpan();
        to.Fill(-1);
        next.Clear();
        for (int i = 0; i < from.Length; i++)
        {
            int row = from[i];
            if (row >= 0)
            {
                int place = next[row]++;
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(place, k, nameof(k));
                to[row * k + place] = i / count;
            }
        }
    }

    /// <inheritdoc />
    public void AddSmoothLoad(in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> load)
    {
        Operands.SmoothLoad(logits, noisy, choices, k, deviation);
        Operands.InRange(choices, -1, logits.Columns);
        Operands.HasLength(load, logits.Columns);
        SumTokens(new SmoothLoadTerm(logits, noisy, choices, k, deviation), load);
    }

    /// <inheritdoc />
    public void AddSmoothLoadGradient(
        in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, in Matrix dLogits)
    {
        Operands.SmoothLoad(logits, noisy, choices, k, deviation);
        Operands.InRange(choices, -1, logits.Columns);
        Operands.HasLength(loadGradient, logits.Columns);
        Operands.SameShape(dLogits, logits);
        ForRows(
            logits.Rows, logits.Columns, new SmoothLoadGradientKernel(logits, noisy, choices, k, deviation, loadGradient, dLogits));
    }

    /// <inheritdoc />
    public void AddNormal(in Matrix x, ulong key, float deviation)
    {
        Operands.RowMajor(x);
        ForRows(x.Rows, x.Columns * RandomCost, new AddNormalKernel(x, key, deviation));
    }

    /// <inheritdoc />
    public void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation)
    {
        Operands.SameShape(y, x);
        ForRows(x.Rows, x.Columns * RandomCost, new MultiplyUniformKernel(x, key, spread, y, accumulation));
    }
}
