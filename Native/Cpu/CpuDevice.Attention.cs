using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Gemm;
using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>
/// Rotary embedding and attention. Scores are stored, [(sequence, head, query), key]: they are the state that becomes probabilities, and the scratch
/// that becomes their gradient.
/// </summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength, bool inverse)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        Operands.RowMajor(x);
        Operands.SameShape(sines, cosines);
        if (cosines.Columns == 0 || x.Columns % (2 * cosines.Columns) != 0)
        {
            throw new ArgumentException(
                $"'{nameof(x)}' is {x.Rows}×{x.Columns}, but '{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}: " +
                "heads have twice the tables' columns.", nameof(x));
        }

        if (cosines.Rows < Math.Min(x.Rows, sequenceLength))
        {
            throw new ArgumentException(
                $"'{nameof(cosines)}' is {cosines.Rows}×{cosines.Columns}, but '{nameof(x)}', {x.Rows}×{x.Columns}, has rows at " +
                $"{Math.Min(x.Rows, sequenceLength)} positions.", nameof(cosines));
        }

        ForRows(x.Rows, x.Columns, new RotaryKernel(x, cosines, sines, sequenceLength, inverse));
    }

    /// <inheritdoc />
    public AttentionMemory AttentionMemory(in AttentionShape shape, int rows, int sequenceLength) =>
        Operations.AttentionMemory.OfScores(shape, rows, sequenceLength);

    /// <inheritdoc />
    public void Attention(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state)
    {
        CheckAttention(shape, queries, keys, values, firstKeys, sequenceLength, scale);
        Operands.HasShape(output, queries.Rows, shape.QueryColumns);
        Matrix probabilities = Scores(shape, queries.Rows, sequenceLength, state);
        var products = new AttentionProducts(_gemm, shape, sequenceLength, firstKeys);
        products.HeadsTimesShared(queries, keys, probabilities);
        ForRows(probabilities.Rows, probabilities.Columns, new CausalSoftmaxKernel(probabilities, shape.Heads, firstKeys, scale));
        products.ScoresTimesShared(probabilities, values, output);
    }

    /// <inheritdoc />
    public void AttentionGradient(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state, in Matrix dOutput, in Matrix dQueries, in Matrix dKeys, in Matrix dValues,
        DeviceSpan<float> scratch)
    {
        CheckAttention(shape, queries, keys, values, firstKeys, sequenceLength, scale);
        Operands.HasShape(output, queries.Rows, shape.QueryColumns);
        Operands.SameShape(dOutput, output);
        Operands.SameShape(dQueries, queries);
        Operands.SameShape(dKeys, keys);
        Operands.SameShape(dValues, values);
        Matrix probabilities = Scores(shape, queries.Rows, sequenceLength, state);
        Matrix dScores = Scores(shape, queries.Rows, sequenceLength, scratch);
        var products = new AttentionProducts(_gemm, shape, sequenceLength, firstKeys);
        products.ScoresTransposedTimesHeads(probabilities, dOutput, dValues);
        products.HeadsTimesShared(dOutput, values, dScores);
        ForRows(dScores.Rows, dScores.Columns, new CausalSoftmaxGradientKernel(probabilities, dScores, shape.Heads, firstKeys, scale));
        products.ScoresTimesShared(dScores, keys, dQueries);
        products.ScoresTransposedTimesHeads(dScores, queries, dKeys);
    }

    private static Matrix Scores(
        in AttentionShape shape, int rows, int sequenceLength, DeviceSpan<float> memory,
        [CallerArgumentExpression(nameof(memory))] string name = "")
    {
        Operands.HasLength(memory, (long)rows * shape.Heads * sequenceLength, name);
        return new Matrix(memory, checked(rows * shape.Heads), sequenceLength);
    }

    private static void CheckAttention(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);

        // A negative scale would turn the largest score into the smallest.
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        if (shape.Heads < 1 || shape.KeyValueHeads < 1 || shape.HeadDim < 1 || shape.Heads % shape.KeyValueHeads != 0)
        {
            throw new ArgumentException(
                $"{shape.Heads} heads of {shape.HeadDim} features cannot share {shape.KeyValueHeads} key and value heads.", nameof(shape));
        }

        Operands.HasShape(queries, queries.Rows, shape.QueryColumns);
        Operands.HasShape(keys, queries.Rows, shape.KeyColumns);
        Operands.HasShape(values, queries.Rows, shape.KeyColumns);
        if (queries.Rows % sequenceLength != 0)
        {
            throw new ArgumentException($"{queries.Rows} rows are not whole sequences of {sequenceLength}.", nameof(queries));
        }

        Operands.HasLengthOrIsEmpty(firstKeys, queries.Rows);
        for (int row = 0; row < firstKeys.Length; row++)
        {
            int first = firstKeys.Pointer[row], own = row % sequenceLength;
            if (first < 0 || first > own)
            {
                throw new ArgumentException(
                    $"'{nameof(firstKeys)}'[{row}] is {first}; a query at position {own} sees keys from one of 0 to {own} on.", nameof(firstKeys));
            }
        }
    }
}
