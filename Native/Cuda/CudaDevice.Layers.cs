using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Elementwise operations, norms and embeddings.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName AddKernel = new("elementwise", "add");
    private static readonly TypedKernel ScaleKernel = new("elementwise", "scale");
    private static readonly TypedKernel MultiplyKernel = new("elementwise", "multiply");
    private static readonly TypedKernel AddBiasKernel = new("elementwise", "add_bias");
    private static readonly KernelName MixRowsKernel = new("elementwise", "mix_rows");
    private static readonly KernelName MixRowsGradientKernel = new("elementwise", "mix_rows_gradient");
    private static readonly TypedKernel RmsNormKernel = new("norms", "rms_norm");
    private static readonly KernelName RmsNormInputGradientKernel = new("norms", "rms_norm_input_gradient");
    private static readonly KernelName RmsNormWeightGradientKernel = new("norms", "rms_norm_weight_gradient");
    private static readonly TypedKernel ColumnSumsKernel = new("sums", "column_sums");
    private static readonly KernelName AddChunksKernel = new("sums", "add_chunks");
    private static readonly KernelName LinkRowsKernel = new("rows", "link_rows");
    private static readonly KernelName EmbeddingGradientKernel = new("rows", "embedding_gradient");
    private static readonly KernelName CrossEntropyKernel = new("softmax", "cross_entropy");
    private static readonly KernelName SumLossesKernel = new("softmax", "sum_losses");

    /// <inheritdoc />
    public void Add(DeviceSpan<float> x, DeviceSpan<float> y)
    {
        Operands.HasLength(y, x.Length);
        Launch(AddKernel, LaunchShapes.Elements(x.Length), new AddParameters(x.Address, y.Address, x.Length));
    }

    /// <inheritdoc />
    public void Scale(DeviceSpan<float> x, float factor) => Scale(new Matrix(x, 1, x.Length), factor);

    /// <inheritdoc />
    public void Scale(in Matrix x, float factor)
    {
        Operands.RowMajor(x);
        Matrix scaled = Line(x, LaunchShapes.AreDense(x));
        Launch(ScaleKernel.Of(x.Element), LaunchShapes.Elements(scaled), new ScaleParameters(CudaMatrix.Of(scaled, x.Element), factor));
    }

    /// <inheritdoc />
    public void Multiply(in Matrix a, in Matrix b, in Matrix y)
    {
        Operands.SameShape(b, a);
        Operands.SameShape(y, a);
        bool line = LaunchShapes.AreDense(a, b, y);
        Matrix product = Line(y, line);
        ElementType element = y.Element;
        Launch(
            MultiplyKernel.Of(element), LaunchShapes.Elements(product),
            new MultiplyParameters(CudaMatrix.Of(Line(a, line), element), CudaMatrix.Of(Line(b, line), element), CudaMatrix.Of(product, element)));
    }

    /// <inheritdoc />
    public void AddBias(in Matrix y, DeviceSpan<float> bias)
    {
        Operands.RowMajor(y);
        Operands.HasLength(bias, y.Columns);
        Launch(AddBiasKernel.Of(y.Element), LaunchShapes.Elements(y), new AddBiasParameters(CudaMatrix.Of(y, y.Element), bias.Address));
    }

    /// <inheritdoc />
    public void MixRows(in Matrix a, in Matrix b, in Matrix coefficients, in Matrix y)
    {
        Operands.SameShape(b, a);
        Operands.SameShape(y, a);
        Operands.HasShape(coefficients, a.Rows, 2);
        Launch(MixRowsKernel, LaunchShapes.Elements(y), new MixRowsParameters(a, b, coefficients, y));
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
        Launch(
            MixRowsGradientKernel, LaunchShapes.Rows(a.Rows, a.Columns),
            new MixRowsGradientParameters(a, b, coefficients, dy, da, db, dCoefficients));
    }

    /// <inheritdoc />
    public void RmsNorm(in Matrix x, DeviceSpan<float> weight, float epsilon, in Matrix y, DeviceSpan<float> inverseRms)
    {
        Operands.SameShape(y, x);
        Operands.HasLength(weight, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        Launch(
            RmsNormKernel.Of(y.Element), LaunchShapes.Rows(x.Rows, x.Columns),
            new RmsNormParameters(x, weight.Address, CudaMatrix.Of(y, y.Element), inverseRms.Address, epsilon));
    }

    /// <inheritdoc />
    public void RmsNormInputGradient(
        in Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, in Matrix dy, in Matrix dx, Accumulation accumulation)
    {
        Operands.SameShape(dy, x);
        Operands.SameShape(dx, x);
        Operands.HasLength(weight, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        Launch(
            RmsNormInputGradientKernel, LaunchShapes.Rows(x.Rows, x.Columns),
            new RmsNormInputGradientParameters(x, weight.Address, inverseRms.Address, dy, dx, Flag(accumulation == Accumulation.Add)));
    }

    /// <inheritdoc />
    public void RmsNormWeightGradient(in Matrix x, DeviceSpan<float> inverseRms, in Matrix dy, DeviceSpan<float> weightGradient)
    {
        Operands.SameShape(dy, x);
        Operands.HasLength(weightGradient, x.Columns);
        Operands.HasLength(inverseRms, x.Rows);
        DeviceSpan<float> chunks = Chunks(x);
        Launch(
            RmsNormWeightGradientKernel, LaunchShapes.TokenChunks(x.Rows, x.Columns),
            new RmsNormWeightGradientParameters(x, dy, inverseRms.Address, chunks.Address));
        AddChunks(chunks, weightGradient);
    }

    /// <inheritdoc />
    public void AddColumnSums(in Matrix y, DeviceSpan<float> sums)
    {
        Operands.RowMajor(y);
        Operands.HasLength(sums, y.Columns);
        DeviceSpan<float> chunks = Chunks(y);
        Launch(
            ColumnSumsKernel.Of(y.Element), LaunchShapes.TokenChunks(y.Rows, y.Columns), new ColumnSumsParameters(CudaMatrix.Of(y, y.Element), chunks.Address));
        AddChunks(chunks, sums);
    }

    /// <inheritdoc />
    public void EmbeddingGradient(DeviceSpan<int> ids, in Matrix dy, in Matrix tableGradient)
    {
        Operands.RowMajor(tableGradient);
        Operands.HasShape(dy, ids.Length, tableGradient.Columns);
        const int WarpsOfBlock = 8;
        DeviceSpan<int> next = Scratch<int>(ids.Length);
        var parameters = new EmbeddingGradientParameters(ids.Address, next.Address, dy, tableGradient, ids.Length);
        Launch(LinkRowsKernel, LaunchShapes.Items(ids.Length, WarpsOfBlock) with { Threads = 32 * WarpsOfBlock }, parameters);
        Launch(EmbeddingGradientKernel, LaunchShapes.Rows(ids.Length, dy.Columns), parameters);
    }

    /// <inheritdoc />
    public void CrossEntropy(
        in Matrix logits, DeviceSpan<int> targets, float scale, DeviceSpan<float> losses, in Matrix dLogits, DeviceSpan<double> sum)
    {
        Operands.RowMajor(logits);
        Operands.HasLength(targets, logits.Rows);
        Operands.HasLength(losses, logits.Rows);
        Operands.HasLength(sum, 1);
        if (dLogits.Columns > 0)
        {
            Operands.SameShape(dLogits, logits);
        }

        Launch(
            CrossEntropyKernel, LaunchShapes.Rows(logits.Rows, logits.Columns),
            new CrossEntropyParameters(logits, dLogits, targets.Address, losses.Address, scale));
        Launch(SumLossesKernel, new LaunchShape(1, 1024), new SumLossesParameters(losses.Address, sum.Address, losses.Length));
    }

    private static int Flag(bool value) => value ? 1 : 0;

    /// <summary>The address of an operand that may be left out; kernels know by 0 that it is.</summary>
    private static nint Optional<T>(DeviceSpan<T> span)
        where T : unmanaged => span.IsEmpty ? 0 : span.Address;

    /// <summary>Room for the sums of the chunks of a sum over tokens.</summary>
    private DeviceSpan<float> Chunks(in Matrix tokens) => Scratch<float>((long)LaunchShapes.ChunkCount(tokens.Rows) * tokens.Columns);

    /// <summary>Adds the sums of chunks to the destination, in order.</summary>
    private void AddChunks(DeviceSpan<float> chunks, DeviceSpan<float> sums)
    {
        if (!chunks.IsEmpty)
        {
            Launch(
                AddChunksKernel, LaunchShapes.Items(sums.Length, 256),
                new AddChunksParameters(chunks.Address, sums.Address, (int)(chunks.LongLength / sums.Length), sums.Length));
        }
    }
}
