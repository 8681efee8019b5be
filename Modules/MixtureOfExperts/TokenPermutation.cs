using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// Where each kept choice travels: rows grouped by expert in the exchange's send order, tokens of an expert in token order. Built
/// on the host in O(T·k), never as a one-hot product (Tutel §3.3).
/// </summary>
internal sealed class TokenPermutation(int experts)
{
    private readonly int[] _next = new int[experts];
    private int[] _slots = [];
    private int[] _rows = [];

    /// <summary>[rows, k] row numbers in the permuted buffer, −1 for a choice that does not travel.</summary>
    public DeviceSpan<int> Slots { get; private set; }

    /// <summary>[kept] the token of each permuted row.</summary>
    public DeviceSpan<int> Tokens { get; private set; }

    /// <summary>Computes both from a routing.</summary>
    public void Build(Tape tape, Routing routing, ReadOnlySpan<int> sendOrder)
    {
        int first = 0;
        foreach (int expert in sendOrder)
        {
            _next[expert] = first;
            first += routing.KeptTokens[expert];
        }

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
                int slot = _next[choices[i]]++;
                _slots[i] = slot;
                _rows[slot] = i / routing.K;
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
}
