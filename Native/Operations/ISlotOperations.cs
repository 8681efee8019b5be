using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>What <see cref="ISlotOperations.AssignSlots"/> counts, side by side in a device's memory.</summary>
/// <param name="All">As many numbers as <see cref="LengthFor"/> says.</param>
/// <param name="Experts">Experts of the layer.</param>
public readonly record struct SlotCounts(DeviceSpan<int> All, int Experts)
{
    /// <summary>[experts] choices that found a slot.</summary>
    public DeviceSpan<int> Kept => All.Slice(0, Experts);

    /// <summary>[experts] choices, those without a slot included.</summary>
    public DeviceSpan<int> Chosen => All.Slice(Experts, Experts);

    /// <summary>[experts] rows whose first choice it is, those without a slot included.</summary>
    public DeviceSpan<int> FirstChoices => All.Slice(2 * Experts, Experts);

    /// <summary>[1] rows of which at least one choice found a slot.</summary>
    public DeviceSpan<int> RoutedTokens => All.Slice(3 * Experts, 1);

    /// <summary>How many numbers there are for so many experts.</summary>
    public static int LengthFor(int experts) => 3 * experts + 1;
}

/// <summary>
/// Which choices find a slot at their expert, and where their rows lie in the permuted buffer. Choices are [n, k], row-major, −1 where there is none;
/// all results are whole numbers that follow from the operands alone, so that every device gives the same.
/// </summary>
public interface ISlotOperations
{
    /// <summary>
    /// The rows by their best score, descending: the largest of 0 and the row's <paramref name="k"/> scores. Equal ones stay in the order of rows; a row
    /// with a NaN comes before all others.
    /// </summary>
    /// <param name="scores">[n, k], not negative.</param>
    /// <param name="k">Scores of a row.</param>
    /// <param name="order">[n] row numbers.</param>
    void OrderByScore(DeviceSpan<float> scores, int k, DeviceSpan<int> order);

    /// <summary>
    /// The rows in a random order: by the upper 32 bits of <c>CounterRandom.Next(key, row)</c>, ascending; equal ones stay in the order of rows.
    /// </summary>
    /// <param name="key">Key of the random numbers.</param>
    /// <param name="order">[n] row numbers.</param>
    void OrderByChance(ulong key, DeviceSpan<int> order);

    /// <summary>
    /// Gives slots. Choices are served one after the other: the first choices of all rows before all second ones, and so on, and within them row by row
    /// in the given order. A choice is kept while its expert has kept fewer than <paramref name="capacity"/>; that is, when fewer than so many choices
    /// of the same expert are served before it.
    /// </summary>
    /// <param name="choices">[n, k], below the number of experts. No row has an expert twice.</param>
    /// <param name="k">Choices per row.</param>
    /// <param name="capacity">Slots of an expert; <see cref="int.MaxValue"/> for no limit.</param>
    /// <param name="order">[n] each row once; empty for their own order.</param>
    /// <param name="kept">[n, k], stored: 1 where the choice found a slot, 0 where it did not or there is none.</param>
    /// <param name="counts">Stored.</param>
    void AssignSlots(DeviceSpan<int> choices, int k, int capacity, DeviceSpan<int> order, DeviceSpan<int> kept, in SlotCounts counts);

    /// <summary>
    /// Numbers the rows of the permuted buffer. The buffer is segments one behind the other, each of one expert; an expert may have several. The kept
    /// choices of an expert, in ascending order of their index in [n, k], take the rows of its first segment, then of its second, and so on.
    /// </summary>
    /// <param name="choices">[n, k].</param>
    /// <param name="kept">[n, k] of <see cref="AssignSlots"/>.</param>
    /// <param name="k">Choices per row.</param>
    /// <param name="segmentExperts">By segment, in host memory: its expert.</param>
    /// <param name="segmentLengths">By segment, in host memory: its rows. Those of an expert add up to the choices it kept.</param>
    /// <param name="slots">[n, k], stored: the row of the choice in the buffer; −1 where it was not kept.</param>
    /// <param name="tokens">[rows of the buffer], stored: the row in [n] that lies there.</param>
    void PlaceRows(
        DeviceSpan<int> choices, DeviceSpan<int> kept, int k, ReadOnlySpan<int> segmentExperts, ReadOnlySpan<int> segmentLengths,
        DeviceSpan<int> slots, DeviceSpan<int> tokens);
}
