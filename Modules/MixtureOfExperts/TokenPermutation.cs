using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// Where each kept choice travels: rows grouped into the exchange's segments, tokens of an expert in token order from its first segment to its
/// last. Built on the host in O(T·k + segments), never as a one-hot product (Tutel §3.3).
/// </summary>
internal sealed class TokenPermutation(int experts)
{
    private const int None = -1;

    // By expert: the segment that is being filled, its next row, and its end.
    private readonly int[] _segment = new int[experts];
    private readonly int[] _next = new int[experts];
    private readonly int[] _end = new int[experts];

    // By segment: its first row and, of the same expert, the segment after it.
    private int[] _first = [];
    private int[] _following = [];
    private int[] _slots = [];
    private int[] _rows = [];

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
        Begin(routing.KeptRows, sendOrder, sendLengths);
        ReadOnlySpan<int> choices = routing.HostChoices;
        ReadOnlySpan<bool> kept = routing.Kept;
        if (_slots.Length < choices.Length)
        {
            _slots = new int[choices.Length];
            _rows = new int[choices.Length];
        }

        for (int i = 0; i < choices.Length; i++)
        {
            if (kept[i])
            {
                int expert = choices[i];
                int slot = _next[expert]++;
                _slots[i] = slot;
                _rows[slot] = i / routing.K;
                if (slot + 1 == _end[expert])
                {
                    Follow(expert, sendLengths);
                }
            }
            else
            {
                _slots[i] = -1;
            }
        }

        Slots = tape.Arena.Take<int>(choices.Length);
        Tokens = tape.Arena.Take<int>(routing.KeptRows);
        tape.Device.Write<int>(_slots.AsSpan(0, choices.Length), Slots);
        tape.Device.Write<int>(_rows.AsSpan(0, routing.KeptRows), Tokens);
    }

    /// <summary>Puts every expert at its first segment that has rows, and links the others behind it.</summary>
    private void Begin(int rows, ReadOnlySpan<int> sendOrder, ReadOnlySpan<int> sendLengths)
    {
        if (_first.Length < sendOrder.Length)
        {
            _first = new int[sendOrder.Length];
            _following = new int[sendOrder.Length];
        }

        Array.Fill(_segment, None);
        int first = rows;
        for (int i = sendOrder.Length - 1; i >= 0; i--)
        {
            first -= sendLengths[i];
            if (sendLengths[i] > 0)
            {
                int expert = sendOrder[i];
                _first[i] = first;
                _following[i] = _segment[expert];
                Enter(expert, i, sendLengths[i]);
            }
        }
    }

    private void Enter(int expert, int segment, int length)
    {
        _segment[expert] = segment;
        _next[expert] = _first[segment];
        _end[expert] = _first[segment] + length;
    }

    private void Follow(int expert, ReadOnlySpan<int> sendLengths)
    {
        int segment = _following[_segment[expert]];
        if (segment != None)
        {
            Enter(expert, segment, sendLengths[segment]);
        }
    }
}
