using System.Runtime.InteropServices;
using MoEActors.Modules.Autograd;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Gates;

/// <summary>
/// What a gate decided for one micro-batch: for each row up to <see cref="K"/> experts, and which of them found a slot. One object per
/// layer, filled anew by every forward pass. The routing itself is on the device and never visits the host; what reports need of it - counts by expert,
/// losses - comes with one read, when the pass is over (<see cref="ReadStatistics"/>).
/// </summary>
/// <param name="experts">Experts of the layer.</param>
public sealed class Routing(int experts)
{
    private readonly double[] _statistics = new double[StatisticsFor(experts)];
    private DeviceSpan<double> _memory;
    private GateLosses? _losses;

    /// <summary>Experts of the layer.</summary>
    public int Experts { get; } = experts;

    /// <summary>Places for experts in a row: the k of top-k, which may change from step to step, or all experts where those choose.</summary>
    public int K { get; private set; }

    /// <summary>Rows routed, padding included.</summary>
    public int Rows { get; private set; }

    /// <summary>[rows, k] experts on the device, −1 where there is none and for padding. Of top-k the best come first; of expert choice the lowest.</summary>
    public DeviceSpan<int> Choices { get; private set; }

    /// <summary>[rows, k] on the device: 1 where the choice found a slot, else 0.</summary>
    public DeviceSpan<int> Kept { get; private set; }

    /// <summary>[rows, k] weights on the device, 0 where there is no expert.</summary>
    public DeviceSpan<float> Weights { get; set; }

    /// <summary>Counts by expert on the device.</summary>
    public SlotCounts Counts { get; private set; }

    /// <summary>Tokens that took part: padding does not.</summary>
    public int Tokens { get; set; }

    /// <summary>Tokens per expert that found a slot, as last read.</summary>
    public int[] KeptTokens { get; } = new int[experts];

    /// <summary>Tokens per expert, those dropped included, as last read.</summary>
    public int[] ChosenTokens { get; } = new int[experts];

    /// <summary>Tokens per expert whose first choice it is, those dropped included, as last read.</summary>
    public int[] FirstChoices { get; } = new int[experts];

    /// <summary>Rows that travel: the sum of <see cref="KeptTokens"/>.</summary>
    public int KeptRows { get; private set; }

    /// <summary>Choices that found no slot, as last read.</summary>
    public int DroppedChoices { get; private set; }

    /// <summary>Tokens that at least one expert computes, as last read.</summary>
    public int RoutedTokens { get; private set; }

    /// <summary>Balance loss of the micro-batch, without its coefficient.</summary>
    public double BalanceLoss { get; set; }

    /// <summary>z-loss of the micro-batch, without its coefficient.</summary>
    public double ZLoss { get; set; }

    /// <summary>The losses times their coefficients: what the layer adds to the loss of the micro-batch.</summary>
    public double AuxiliaryLoss { get; set; }

    /// <summary>Each loss by its name: what <see cref="AuxiliaryLoss"/> is made of. Measured for the report where the coefficient is 0.</summary>
    public List<AuxiliaryLoss> Losses { get; } = [];

    /// <summary>Σ over tokens of −Σₑ p·ln p, nats; p are the scores, divided by their sum if they are sigmoids.</summary>
    public double EntropySum { get; set; }

    /// <summary>Where a <see cref="Gate"/> stores its balance loss, its z-loss and its entropy: an element each.</summary>
    internal DeviceSpan<double> Measures => _memory.Slice(0, GateLosses.Measures);

    /// <summary>Whether a pass has begun that has given no slots yet.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>Elements of a routing's statistics: what is measured, and the counts behind it, two in an element.</summary>
    internal static int StatisticsFor(int experts) => GateLosses.Measures + (SlotCounts.LengthFor(experts) + 1) / 2;

    /// <summary>Begins a pass whose statistics lie in this memory; all are 0.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="memory">[<see cref="StatisticsFor"/>]; empty for memory of the tape.</param>
    internal void Begin(Tape tape, DeviceSpan<double> memory)
    {
        _memory = memory.IsEmpty ? tape.Arena.Take<double>(_statistics.Length) : memory;
        Counts = new SlotCounts(
            new DeviceSpan<int>(_memory.Slice(GateLosses.Measures).Address, SlotCounts.LengthFor(Experts)), Experts);
        tape.Device.Fill(new DeviceSpan<float>(_memory.Address, _memory.Length * (sizeof(double) / sizeof(float))), 0f);
        IsOpen = true;
    }

    /// <summary>Takes the choices of a pass.</summary>
    /// <param name="choices">[rows, k] in the tape's memory.</param>
    /// <param name="rows">Rows, padding included.</param>
    /// <param name="k">Choices per row.</param>
    public void SetChoices(DeviceSpan<int> choices, int rows, int k)
    {
        if (choices.Length != (long)rows * k)
        {
            throw new ArgumentException($"{choices.Length} choices are not {k} for each of {rows} rows.", nameof(choices));
        }

        Choices = choices;
        Rows = rows;
        K = k;
    }

    /// <summary>Gives slots: all first choices before all second ones, within them in the given order, until an expert is full.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="capacity">Slots of an expert.</param>
    /// <param name="order">The rows in the order in which they are served, on the device; empty for their own.</param>
    public void AssignSlots(Tape tape, int capacity, DeviceSpan<int> order = default)
    {
        if (!IsOpen)
        {
            Begin(tape, DeviceSpan<double>.Empty);
        }

        Kept = tape.Arena.Take<int>(Choices.Length);
        tape.Device.AssignSlots(Choices, K, capacity, order, Kept, Counts);
        IsOpen = false;
    }

    /// <summary>Reads counts and losses of the pass to the host, after everything that is queued. The memory of the pass must still be there.</summary>
    public void ReadStatistics(IDevice device)
    {
        device.Read(_memory, _statistics);
        TakeStatistics(_statistics);
    }

    /// <summary>Takes counts and losses that were read with others.</summary>
    internal void TakeStatistics(ReadOnlySpan<double> statistics)
    {
        ReadOnlySpan<int> counts = MemoryMarshal.Cast<double, int>(statistics[GateLosses.Measures..]);
        counts[..Experts].CopyTo(KeptTokens);
        counts.Slice(Experts, Experts).CopyTo(ChosenTokens);
        counts.Slice(2 * Experts, Experts).CopyTo(FirstChoices);
        RoutedTokens = counts[3 * Experts];
        KeptRows = 0;
        DroppedChoices = 0;
        for (int e = 0; e < Experts; e++)
        {
            KeptRows += KeptTokens[e];
            DroppedChoices += ChosenTokens[e] - KeptTokens[e];
        }

        _losses?.Report(this, statistics);
    }

    /// <summary>The losses are those that this gate measures on the device.</summary>
    internal void MeasuredBy(GateLosses losses) => _losses = losses;
}
