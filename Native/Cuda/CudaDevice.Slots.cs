using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Slots: orders of rows, which choices find a place at their expert, and where their rows lie.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName ScoreKeysKernel = new("slots", "score_keys");
    private static readonly KernelName ChanceKeysKernel = new("slots", "chance_keys");
    private static readonly KernelName OrderRowsKernel = new("slots", "order_rows");
    private static readonly KernelName ClearServedKernel = new("slots", "clear_served");
    private static readonly KernelName CountServedKernel = new("slots", "count_served");
    private static readonly KernelName CountPlacedKernel = new("slots", "count_placed");
    private static readonly KernelName SumChunksBeforeKernel = new("slots", "sum_chunks_before");
    private static readonly KernelName AssignSlotsKernel = new("slots", "assign_slots");
    private static readonly KernelName CountRoutedKernel = new("slots", "count_routed");
    private static readonly KernelName PlaceRowsKernel = new("slots", "place_rows");

    /// <inheritdoc />
    public void OrderByScore(DeviceSpan<float> scores, int k, DeviceSpan<int> order)
    {
        Operands.HasLength(scores, (long)order.Length * k);
        Order(ScoreKeysKernel, new OrderParameters(scores.Address, Scratch<ulong>(order.Length).Address, order.Address, 0, order.Length, k));
    }

    /// <inheritdoc />
    public void OrderByChance(ulong key, DeviceSpan<int> order) =>
        Order(ChanceKeysKernel, new OrderParameters(0, Scratch<ulong>(order.Length).Address, order.Address, key, order.Length, 0));

    /// <inheritdoc />
    public void AssignSlots(DeviceSpan<int> choices, int k, int capacity, DeviceSpan<int> order, DeviceSpan<int> kept, in SlotCounts counts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        int rows = choices.Length / k, chunks = SlotTable.Chunks(choices.Length);
        Operands.HasLength(choices, (long)rows * k);
        Operands.HasLength(kept, choices.Length);
        Operands.HasLengthOrIsEmpty(order, rows);
        Operands.HasLength(counts.All, SlotCounts.LengthFor(counts.Experts), nameof(counts));
        DeviceSpan<int> before = Scratch<int>((long)chunks * counts.Experts);
        var parameters = new ServedParameters(
            choices.Address, Optional(order), kept.Address, before.Address, counts.All.Address, 0, 0, 0, rows, k, capacity, counts.Experts, chunks, 0);
        Launch(ClearServedKernel, LaunchShapes.Items(Math.Max(before.LongLength, counts.All.Length), 256), parameters);
        Launch(CountServedKernel, new LaunchShape(chunks, SlotTable.Chunk), parameters);
        Launch(SumChunksBeforeKernel, LaunchShapes.Items(counts.Experts, 128), parameters);
        Launch(AssignSlotsKernel, LaunchShapes.WarpRows(chunks), parameters);
        Launch(CountRoutedKernel, LaunchShapes.Items(rows, 256), parameters);
    }

    /// <inheritdoc />
    public void PlaceRows(
        DeviceSpan<int> choices, DeviceSpan<int> kept, int k, ReadOnlySpan<int> segmentExperts, ReadOnlySpan<int> segmentLengths,
        DeviceSpan<int> slots, DeviceSpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        Operands.HasLength(kept, choices.Length);
        Operands.HasLength(slots, choices.Length);
        if (segmentLengths.Length != segmentExperts.Length)
        {
            throw new ArgumentException($"{segmentExperts.Length} experts of segments have {segmentLengths.Length} lengths.", nameof(segmentLengths));
        }

        ProductShapes.CheckSegments(segmentLengths, tokens.Length);
        int[] table = SlotTable.Of(segmentExperts, segmentLengths, out int experts);
        int chunks = SlotTable.Chunks(choices.Length);
        DeviceSpan<int> scratch = Scratch<int>(table.Length + (long)chunks * experts);
        DeviceSpan<int> segments = scratch.Slice(0, table.Length), before = scratch.Slice(table.Length);
        Write(table, segments);
        var parameters = new ServedParameters(
            choices.Address, 0, kept.Address, before.Address, 0, segments.Address, slots.Address, tokens.Address, choices.Length / k, k, 0, experts,
            chunks, segmentLengths.Length);
        Launch(ClearServedKernel, LaunchShapes.Items(before.LongLength, 256), parameters);
        Launch(CountPlacedKernel, new LaunchShape(chunks, SlotTable.Chunk), parameters);
        Launch(SumChunksBeforeKernel, LaunchShapes.Items(experts, 128), parameters);
        Launch(PlaceRowsKernel, LaunchShapes.WarpRows(chunks), parameters);
    }

    private void Order(KernelName keys, OrderParameters parameters)
    {
        LaunchShape shape = LaunchShapes.Items(parameters.Rows, 256);
        Launch(keys, shape, parameters);
        Launch(OrderRowsKernel, shape, parameters);
    }
}
