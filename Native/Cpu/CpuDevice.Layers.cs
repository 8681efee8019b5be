using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>Norms, activations, embeddings and the loss.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc />
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y)
    {
        Operands.HasLength(y, x.Length);
        ForElements(x.Length, new AddKernel(x, y));
    }

    /// <inheritdoc />
    public void Scale(DeviceSpan<float> x, float factor) => ForElements(x.Length, new ScaleKernel(x, factor));

    /// <inheritdoc />
    public void Scale(in Matrix x, float factor)
    {
        Operands.RowMajor(x);
        bool dense = x.Stride == x.Columns;
        for (int row = 0; row < (dense ? Math.Min(x.Rows, 1) : x.Rows); row++)
        {
            Scale(x.Data.Slice((long)row * x.Stride, dense ? x.Rows * x.Columns : x.Columns), factor);
        }
    }

    /// <inheritdoc />
    public void Multiply(in Matrix a, in Matrix b, in Matrix y) => Elementwise<Product>(a, b, y);

    /// <inheritdoc />
    public void AddBias(in Matrix y, DeviceSpan<float> bias)
    {
        Operands.RowMajor(y);
        Operands.HasLength(bias, y.Columns);
        ForRows(y.Rows, y.Columns, new AddBiasKernel(y, bias));
    }

    /// <inheritdoc />
    public void RmsNorm(in Matrix x, DeviceSpan<float> weight, float epsilon, in Matrix y, DeviceSpan<float> inverseRms)
    {
        Operands.SameShape(y, x);
        Operands.HasLength(weight, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        ForRows(x.Rows, x.Columns, new RmsNormKernel(x, weight, epsilon, y, inverseRms));
    }

    /// <inheritdoc />
    public void RmsNormInputGradient(
        in Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, in Matrix dy, in Matrix dx, Accumulation accumulation)
    {
        Operands.SameShape(dy, x);
        Operands.SameShape(dx, x);
        Operands.HasLength(weight, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        ForRows(x.Rows, x.Columns, new RmsNormInputGradientKernel(x, weight, inverseRms, dy, dx, accumulation));
    }

    /// <inheritdoc />
    public void RmsNormWeightGradient(in Matrix x, DeviceSpan<float> inverseRms, in Matrix dy, DeviceSpan<float> weightGradient)
    {
        Operands.SameShape(dy, x);
        Operands.HasLength(weightGradient, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        SumTokens(new RmsNormWeightTerm(x, inverseRms, dy), weightGradient);
    }

    /// <inheritdoc />
    public void Gelu(in Matrix preactivation, DeviceSpan<float> bias, in Matrix output)
    {
        Operands.SameShape(output, preactivation);
        Operands.HasLengthOrIsEmpty(bias, preactivation.Columns);
        ForRows(output.Rows, output.Columns, new GeluKernel(preactivation, bias, output));
    }

    /// <inheritdoc />
    public void GeluGradient(in Matrix preactivation, in Matrix dOutput, in Matrix dPreactivation) =>
        Elementwise<GeluSlope>(preactivation, dOutput, dPreactivation);

    /// <inheritdoc />
    public void Relu(in Matrix x, in Matrix y)
    {
        Operands.SameShape(y, x);
        ForRows(y.Rows, y.Columns, new ReluKernel(x, y));
    }

    /// <inheritdoc />
    public void ReluGradient(in Matrix y, in Matrix dy, in Matrix dx) => Elementwise<ReluSlope>(y, dy, dx);

    /// <inheritdoc />
    public void SwiGlu(in Matrix gate, in Matrix up, in Matrix output) => Elementwise<SwiGluFunction>(gate, up, output);

    /// <inheritdoc />
    public void SwiGluGradient(in Matrix gate, in Matrix up, in Matrix dOutput, in Matrix dGate, in Matrix dUp)
    {
        Operands.SameShape(up, gate);
        Operands.SameShape(dOutput, gate);
        Operands.SameShape(dGate, gate);
        Operands.SameShape(dUp, gate);
        ForRows(gate.Rows, gate.Columns, new SwiGluGradientKernel(gate, up, dOutput, dGate, dUp));
    }

    /// <inheritdoc />
    public void EmbeddingGradient(DeviceSpan<int> ids, in Matrix dy, in Matrix tableGradient)
    {
        Operands.RowMajor(tableGradient);
        Operands.HasShape(dy, ids.Length, tableGradient.Columns);
        Operands.InRange(ids, 0, tableGradient.Rows);
        DeviceSpan<ulong> keys = _scratch.Take<ulong>(ids.Length);
        for (int row = 0; row < ids.Length; row++)
        {
            keys.Pointer[row] = EmbeddingGradientKernel.Key(ids.Pointer[row], row);
        }

        keys.AsSpan().Sort();
        _team.For(ids.Length, Grain(dy.Columns), new EmbeddingGradientKernel(keys, dy, tableGradient));
    }

    /// <inheritdoc />
    public void CrossEntropy(
        in Matrix logits, DeviceSpan<int> targets, float scale, DeviceSpan<float> losses, in Matrix dLogits, DeviceSpan<double> sum)
    {
        Operands.RowMajor(logits);
        Operands.HasLength(targets, logits.Rows);
        Operands.HasLength(losses, logits.Rows);
        Operands.HasLength(sum, 1);
        Operands.InRange(targets, -1, logits.Columns);
        if (dLogits.Columns > 0)
        {
            Operands.SameShape(dLogits, logits);
        }

        ForRows(logits.Rows, logits.Columns, new CrossEntropyKernel(logits, targets, scale, losses, dLogits));
        double total = 0;
        foreach (float loss in losses.AsSpan())
        {
            total += loss;
        }

        *sum.Pointer = total;
    }

    /// <inheritdoc />
    public void MixRows(in Matrix a, in Matrix b, in Matrix coefficients, in Matrix y)
    {
        Operands.SameShape(b, a);
        Operands.SameShape(y, a);
        Operands.HasShape(coefficients, a.Rows, 2);
        ForRows(y.Rows, y.Columns, new MixRowsKernel(a, b, coefficients, y));
    }

    /// <inheritdoc />
    public void MixRowsGradient(
        in Matrix a, in Matrix b, in Matrix coefficients, in Matrix dy, in Matrix da, in Matrix db, in Matrix dCoefficients)
    {
        Operands.SameShape(b, a);
        Operands.SameShape(dy, a);
        Operands.SameShape(da, a);
        Operands.SameShape(db, a);
        Operands.HasShape(coefficients, a.Rows, 2);
        Operands.HasShape(dCoefficients, a.Rows, 2);
        ForRows(a.Rows, a.Columns, new MixRowsGradientKernel(a, b, coefficients, dy, da, db, dCoefficients));
    }
}
