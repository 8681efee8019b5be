using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// Where each kept choice travels: rows grouped into the exchange's segments, tokens of an expert in token order from its first segment to its
/// last. Built by the device in O(T·k + segments), never as a one-hot product (Tutel §3.3); of the host come only the lengths of the segments.
/// </summary>
internal sealed class TokenPermutation
{
    /// <summary>[rows, k] row numbers in the permuted buffer, −1 for a choice that does not travel.</summary>
    public DeviceSpan<int> Slots { get; private set; }

    /// <summary>[kept] the token of each permuted row.</summary>
    public DeviceSpan<int> Tokens { get; private set; }

    /// <summary>Computes both from a routing.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="routing">The routing.</param>
    /// <param name="sendOrder">The expert of each segment.</param>
    /// <param name="sendLengths">The rows of each segment; those of an expert add up to its kept tokens.</param>
    public void Build(Tape tape, Routing routing, ReadOnlySpan<int> sendOrder, ReadOnlySpan<int> sendLengths)
    {
        int rows = 0;
        foreach (int length in sendLengths)
        {
            rows = checked(rows + length);
        }

        Slots = tape.Arena.Take<int>(routing.Choices.Length);
        Tokens = tape.Arena.Take<int>(rows);
        tape.Device.PlaceRows(routing.Choices, routing.Kept, routing.K, sendOrder, sendLengths, Slots, Tokens);
    }
}
