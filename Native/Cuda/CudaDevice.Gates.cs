using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>What particular gates need.</summary>
public sealed unsafe partial class CudaDevice
{
    /// <summary>Threads that share a column of scores, at most.</summary>
    private const int ColumnThreads = 512;

    private static readonly KernelName NormalizeRowsKernel = new("norms", "normalize_rows");
    private static readonly KernelName NormalizeRowsGradientKernel = new("norms", "normalize_rows_gradient");
    private static readonly KernelName DotRowsKernel = new("norms", "dot_rows");
    private static readonly KernelName MaskGroupsKernel = new("gates", "mask_groups");
    private static readonly KernelName EntropiesKernel = new("gates", "entropies");
    private static readonly KernelName DrawSecondKernel = new("gates", "draw_second");
    private static readonly KernelName SmoothLoadKernel = new("gates", "smooth_load");
    private static readonly KernelName SmoothLoadGradientKernel = new("gates", "smooth_load_gradient");
    private static readonly KernelName TopRowsKernel = new("expert_choice", "top_rows");
    private static readonly KernelName ClearMarksKernel = new("expert_choice", "clear_marks");
    private static readonly KernelName MarkColumnsKernel = new("expert_choice", "mark_columns");
    private static readonly KernelName ColumnsOfRowsKernel = new("expert_choice", "columns_of_rows");

    /// <inheritdoc />
    public void NormalizeRows(in Matrix x, float epsilon, in Matrix y, DeviceSpan<float> inverseNorms)
    {
        Operands.SameShape(y, x);
        Operands.HasLength(inverseNorms, x.Rows);
        Launch(
            NormalizeRowsKernel, LaunchShapes.Rows(x.Rows, x.Columns), new NormalizeRowsParameters(x, y, inverseNorms.Address, epsilon));
    }

    /// <inheritdoc />
    public void NormalizeRowsGradient(
        in Matrix y, DeviceSpan<float> inverseNorms, float epsilon, in Matrix dy, in Matrix dx, Accumulation accumulation)
    {
        Operands.SameShape(dy, y);
        Operands.SameShape(dx, y);
        Operands.HasLength(inverseNorms, y.Rows);
        Launch(
            NormalizeRowsGradientKernel, LaunchShapes.Rows(y.Rows, y.Columns),
            new NormalizeRowsGradientParameters(y, inverseNorms.Address, dy, dx, epsilon, Flag(accumulation == Accumulation.Add)));
    }

    /// <inheritdoc />
    public void DotRows(in Matrix a, in Matrix b, DeviceSpan<float> dots)
    {
        Operands.SameShape(b, a);
        Operands.HasLength(dots, a.Rows);
        Launch(DotRowsKernel, LaunchShapes.Rows(a.Rows, a.Columns), new DotRowsParameters(a, b, dots.Address));
    }

    /// <inheritdoc />
    public void MaskGroups(in Matrix scores, DeviceSpan<float> bias, int groups, int kept, in Matrix masked)
    {
        Operands.SameShape(masked, scores);
        Operands.HasLengthOrIsEmpty(bias, scores.Columns);
        Operands.Groups(scores, groups, kept);
        Launch(MaskGroupsKernel, LaunchShapes.WarpRows(scores.Rows), new MaskGroupsParameters(scores, Optional(bias), masked, groups, kept));
    }

    /// <inheritdoc />
    public void Entropies(in Matrix scores, bool normalise, DeviceSpan<float> entropies)
    {
        Operands.RowMajor(scores);
        Operands.HasLength(entropies, scores.Rows);
        Launch(
            EntropiesKernel, LaunchShapes.Rows(scores.Rows, scores.Columns), new EntropiesParameters(scores, entropies.Address, Flag(normalise)));
    }

    /// <inheritdoc />
    public void DrawSecond(in Matrix logits, in Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices)
    {
        Operands.SameShape(scores, logits);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 2);
        Operands.HasLength(choices, (long)logits.Rows * k);
        Launch(
            DrawSecondKernel, LaunchShapes.WarpRows(logits.Rows), new DrawSecondParameters(logits, scores, choices.Address, key, scale, k));
    }

    /// <inheritdoc />
    public void TopRows(in Matrix scores, DeviceSpan<int> valid, int count, DeviceSpan<int> rows)
    {
        Operands.RowMajor(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Operands.HasLengthOrIsEmpty(valid, scores.Rows);
        Operands.HasLength(rows, (long)scores.Columns * count);
        DeviceSpan<int> keys = Scratch<int>((long)scores.Rows * scores.Columns);
        Launch(
            TopRowsKernel, new LaunchShape(scores.Columns, Math.Clamp((scores.Rows + 31) / 32 * 32, 32, ColumnThreads)),
            new TopRowsParameters(scores, Optional(valid), keys.Address, rows.Address, count));
    }

    /// <inheritdoc />
    public void ColumnsOfRows(DeviceSpan<int> rows, int count, int k, DeviceSpan<int> choices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        int limit = choices.Length / k, columns = count == 0 ? 0 : rows.Length / count;
        Operands.HasLength(choices, (long)limit * k);
        long words = (long)limit * ((columns + 31) / 32);
        DeviceSpan<uint> marks = Scratch<uint>(words);
        var parameters = new ColumnsOfRowsParameters(rows.Address, marks.Address, choices.Address, columns, count, limit, k);
        Launch(ClearMarksKernel, LaunchShapes.Items(words, 256), parameters);
        Launch(MarkColumnsKernel, LaunchShapes.Items(rows.Length, 256), parameters);
        Launch(ColumnsOfRowsKernel, LaunchShapes.Items(limit, 128), parameters);
    }

    /// <inheritdoc />
    public void AddSmoothLoad(in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> load)
    {
        Operands.SmoothLoad(logits, noisy, choices, k, deviation);
        Operands.HasLength(load, logits.Columns);
        DeviceSpan<float> chunks = Chunks(logits);
        Launch(
            SmoothLoadKernel, LaunchShapes.TokenChunks(logits.Rows, logits.Columns),
            new SmoothLoadParameters(logits, noisy, choices.Address, chunks.Address, k, deviation));
        AddChunks(chunks, load);
    }

    /// <inheritdoc />
    public void AddSmoothLoadGradient(
        in Matrix logits, in Matrix noisy, DeviceSpan<int> choices, int k, float deviation, DeviceSpan<float> loadGradient, in Matrix dLogits)
    {
        Operands.SmoothLoad(logits, noisy, choices, k, deviation);
        Operands.HasLength(loadGradient, logits.Columns);
        Operands.SameShape(dLogits, logits);
        Launch(
            SmoothLoadGradientKernel, LaunchShapes.Rows(logits.Rows, logits.Columns),
            new SmoothLoadGradientParameters(logits, noisy, choices.Address, loadGradient.Address, dLogits, k, deviation));
    }
}
