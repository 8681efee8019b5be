using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>
/// Rotary embedding and attention. Scores are never stored: the state is the logarithm of each row's denominator, [row, head], and the scratch of the
/// gradient the inner product of output and gradient, [row, head].
/// </summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName RotaryKernel = new("rotary", "rotary");
    private static readonly KernelName AttentionDeltasKernel = new("attention", "attention_deltas");

    /// <inheritdoc />
    public void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength, bool inverse)
    {
        AttentionOperands.Rotary(x, cosines, sines, sequenceLength);
        int threads = Math.Clamp((x.Columns / 2 + 31) / 32 * 32, 32, 256);
        Launch(RotaryKernel, new LaunchShape(x.Rows, threads), new RotaryParameters(x, cosines, sines, sequenceLength, Flag(inverse)));
    }

    /// <summary>What attention needs on any GPU.</summary>
    public static AttentionMemory AttentionNeeds(in AttentionShape shape, int rows, int sequenceLength) =>
        new((long)rows * shape.Heads, (long)rows * shape.Heads);

    /// <inheritdoc />
    public AttentionMemory AttentionMemory(in AttentionShape shape, int rows, int sequenceLength) => AttentionNeeds(shape, rows, sequenceLength);

    /// <inheritdoc />
    public void Attention(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state)
    {
        AttentionOperands.Check(shape, queries, keys, values, firstKeys, sequenceLength, scale);
        Operands.HasShape(output, queries.Rows, shape.QueryColumns);
        Operands.HasLength(state, AttentionMemory(shape, queries.Rows, sequenceLength).State);
        var kernels = AttentionKernels.For(shape.HeadDim);
        Launch(
            kernels.Forward, kernels.Shape(queries.Rows, sequenceLength, shape.Heads, tiles: 2),
            new AttentionParameters(
                queries, keys, values, output, Optional(firstKeys), state.Address, shape.Heads, shape.KeyValueHeads, shape.HeadDim, sequenceLength, scale));
    }

    /// <inheritdoc />
    public void AttentionGradient(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state, in Matrix dOutput, in Matrix dQueries, in Matrix dKeys, in Matrix dValues,
        DeviceSpan<float> scratch)
    {
        AttentionOperands.Check(shape, queries, keys, values, firstKeys, sequenceLength, scale);
        Operands.HasShape(output, queries.Rows, shape.QueryColumns);
        Operands.SameShape(dOutput, output);
        Operands.SameShape(dQueries, queries);
        Operands.SameShape(dKeys, keys);
        Operands.SameShape(dValues, values);
        AttentionMemory memory = AttentionMemory(shape, queries.Rows, sequenceLength);
        Operands.HasLength(state, memory.State);
        Operands.HasLength(scratch, memory.Scratch);
        var parameters = new AttentionGradientParameters(
            queries, keys, values, output, dOutput, dQueries, dKeys, dValues, Optional(firstKeys), state.Address, scratch.Address, shape.Heads,
            shape.KeyValueHeads, shape.HeadDim, sequenceLength, scale);
        var kernels = AttentionKernels.For(shape.HeadDim);
        Launch(AttentionDeltasKernel, LaunchShapes.Items((long)queries.Rows * shape.Heads, 8) with { Threads = AttentionKernels.Threads }, parameters);
        Launch(kernels.QueryGradient, kernels.Shape(queries.Rows, sequenceLength, shape.Heads, tiles: 4), parameters);
        Launch(kernels.KeyGradient, kernels.Shape(queries.Rows, sequenceLength, shape.KeyValueHeads, tiles: 4), parameters);
    }
}
