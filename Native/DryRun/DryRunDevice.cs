using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.DryRun;

/// <summary>
/// A device without memory and without arithmetic: it counts what a program would allocate. The program runs as on any other device, so that
/// the count stays right when the program changes. Integers that are written can be read again, since routing and the sizes of exchanges follow
/// from them; everything else reads as zero. Tokens are routed to experts round-robin, so that all experts get equally many.
/// </summary>
/// <param name="device">The device that is imitated; null for processors.</param>
public sealed partial class DryRunDevice(ImitatedDevice? device = null) : IDevice
{
    /// <summary>Far from zero, which means "no address", and never used.</summary>
    private const long FirstAddress = 1L << 20;

    private readonly ImitatedDevice _imitated = device ?? ImitatedDevice.Cpu;
    private readonly Dictionary<nint, int[]> _integers = [];
    private long _nextAddress = FirstAddress;
    private long _allocated;

    /// <inheritdoc />
    public string Description => "dry run: memory is counted, nothing is computed";

    /// <inheritdoc />
    public bool Computes => false;

    /// <inheritdoc />
    public ElementType OperandType => _imitated.Operands;

    /// <inheritdoc />
    public long AllocatedBytes => Interlocked.Read(ref _allocated);

    /// <inheritdoc />
    public TimeSpan HelperTime => TimeSpan.Zero;

    /// <summary>Called where the loss is computed: between forward and backward.</summary>
    public Action? AtLoss { get; set; }

    /// <inheritdoc />
    public IDevice OpenContext() => new DryRunDevice(_imitated);

    /// <inheritdoc />
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nint address = checked((nint)_nextAddress);
        _nextAddress += (bytes + FirstAddress) & -64L;
        Interlocked.Add(ref _allocated, bytes);
        return new DeviceBuffer(this, address, bytes);
    }

    void IDeviceMemory.Free(nint address, long bytes) => Interlocked.Add(ref _allocated, -bytes);

    /// <inheritdoc />
    public void Write<T>(ReadOnlySpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (typeof(T) == typeof(int) && source.Length > 0)
        {
            source.CopyTo((T[])(object)Integers(destination.Address, source.Length));
        }
    }

    /// <inheritdoc />
    public void Read<T>(DeviceSpan<T> source, Span<T> destination)
        where T : unmanaged
    {
        destination.Clear();
        if (typeof(T) == typeof(int) && _integers.TryGetValue(source.Address, out int[]? known))
        {
            ((T[])(object)known).AsSpan(0, Math.Min(known.Length, destination.Length)).CopyTo(destination);
        }
    }

    /// <inheritdoc />
    public void Copy<T>(DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged
    { }

    /// <inheritdoc />
    public void Fill(DeviceSpan<float> span, float value) { }

    /// <inheritdoc />
    public void Synchronize() { }

    /// <inheritdoc />
    public void Dispose() => _integers.Clear();

    /// <inheritdoc />
    public void TopK(in Matrix scores, DeviceSpan<float> bias, DeviceSpan<int> valid, int k, DeviceSpan<int> choices)
    {
        int experts = scores.Columns;
        int[] chosen = Integers(choices.Address, scores.Rows * k);
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = i % experts;
        }
    }

    /// <inheritdoc />
    public void TopRows(in Matrix scores, DeviceSpan<int> valid, int count, DeviceSpan<int> rows)
    {
        // All experts choose the same tokens.
        int[] chosen = Integers(rows.Address, scores.Columns * count);
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = i % count;
        }
    }

    /// <inheritdoc />
    public void ColumnsOfRows(DeviceSpan<int> rows, int count, int k, DeviceSpan<int> choices)
    {
        // The first rows have every column, the others none.
        int[] chosen = Integers(choices.Address, choices.Length);
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = i / k < count ? i % k : -1;
        }
    }

    /// <inheritdoc />
    public void AssignSlots(DeviceSpan<int> choices, int k, int capacity, DeviceSpan<int> order, DeviceSpan<int> kept, in SlotCounts counts)
    {
        // How many an expert keeps does not depend on the order.
        int[] keptTokens = Integers(counts.Kept.Address, counts.Experts);
        Array.Clear(keptTokens);
        foreach (int expert in Integers(choices.Address, choices.Length))
        {
            if (expert >= 0)
            {
                keptTokens[expert] = Math.Min(capacity, keptTokens[expert] + 1);
            }
        }
    }

    /// <inheritdoc />
    public void CrossEntropy(
        in Matrix logits, DeviceSpan<int> targets, float scale, DeviceSpan<float> losses, in Matrix dLogits, DeviceSpan<double> sum) =>
        AtLoss?.Invoke();

    /// <summary>Room for the integers at an address.</summary>
    private int[] Integers(nint address, int count)
    {
        if (!_integers.TryGetValue(address, out int[]? found) || found.Length != count)
        {
            found = new int[count];
            _integers[address] = found;
        }

        return found;
    }
}
