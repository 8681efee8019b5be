using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>A placement of one layer that is being changed: slots, some of them free.</summary>
internal sealed class PlacementDraft
{
    private const int Free = -1;

    private readonly int[] _firstSlot;
    private readonly int[] _expertIn;
    private readonly int[] _rankOf;
    private readonly int[][] _slotsOf;
    private readonly int[] _replicas;

    /// <summary>Starts from a placement. O(shards + slots).</summary>
    public PlacementDraft(LayerPlacement placement, ImmutableArray<int> slots)
    {
        Workers = placement.Workers;
        _firstSlot = new int[Workers + 1];
        for (int rank = 0; rank < Workers; rank++)
        {
            _firstSlot[rank + 1] = _firstSlot[rank] + slots[rank];
        }

        _expertIn = new int[_firstSlot[^1]];
        _rankOf = new int[_firstSlot[^1]];
        Array.Fill(_expertIn, Free);
        for (int rank = 0; rank < Workers; rank++)
        {
            _rankOf.AsSpan(_firstSlot[rank].._firstSlot[rank + 1]).Fill(rank);
        }

        _replicas = new int[placement.Experts];
        _slotsOf = new int[placement.Experts][];
        int[] next = _firstSlot[..^1];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            ReadOnlySpan<int> ranks = placement.RanksOf(expert);
            _slotsOf[expert] = new int[ranks.Length + 4];
            foreach (int rank in ranks)
            {
                if (next[rank] == _firstSlot[rank + 1])
                {
                    throw new PlacementException($"Rank {rank} holds more shards than its {slots[rank]} slots.");
                }

                Put(expert, next[rank]++);
            }
        }
    }

    public int Experts => _slotsOf.Length;

    public int Workers { get; }

    public int Slots => _expertIn.Length;

    /// <summary>The slots of an expert's replicas.</summary>
    public ReadOnlySpan<int> SlotsOf(int expert) => _slotsOf[expert].AsSpan(0, _replicas[expert]);

    public int ReplicasOf(int expert) => _replicas[expert];

    /// <summary>The slots of a rank, from the first to before the second.</summary>
    public (int First, int End) SlotsOn(int rank) => (_firstSlot[rank], _firstSlot[rank + 1]);

    public int RankOf(int slot) => _rankOf[slot];

    /// <summary>The expert in a slot, or −1.</summary>
    public int ExpertIn(int slot) => _expertIn[slot];

    /// <summary>O(slots of the rank).</summary>
    public bool Holds(int expert, int rank) => Find(expert, rank) >= 0;

    /// <summary>A slot of a rank with an expert in it, or free for −1; −1 when there is none. O(slots of the rank).</summary>
    public int Find(int expert, int rank)
    {
        int index = _expertIn.AsSpan(_firstSlot[rank].._firstSlot[rank + 1]).IndexOf(expert);
        return index < 0 ? -1 : _firstSlot[rank] + index;
    }

    /// <summary>Makes a change. O(replicas).</summary>
    /// <returns>The experts that were in its slots, −1 for none: the displaced expert, and the one in the slot that this goes to.</returns>
    public (int Displaced, int Yielding) Make(SlotChange change)
    {
        (int Displaced, int Yielding) before = (_expertIn[change.Slot], change.DisplacedTo < 0 ? Free : _expertIn[change.DisplacedTo]);
        if (before.Displaced >= 0)
        {
            Clear(change.Slot);
        }

        if (before.Yielding >= 0)
        {
            Clear(change.DisplacedTo);
        }

        if (change.DisplacedTo >= 0)
        {
            Put(before.Displaced, change.DisplacedTo);
        }

        Put(change.Expert, change.Slot);
        return before;
    }

    /// <summary>Undoes a change. O(replicas).</summary>
    public void Undo(SlotChange change, (int Displaced, int Yielding) before)
    {
        Clear(change.Slot);
        if (change.DisplacedTo >= 0)
        {
            Clear(change.DisplacedTo);
        }

        if (before.Yielding >= 0)
        {
            Put(before.Yielding, change.DisplacedTo);
        }

        if (before.Displaced >= 0)
        {
            Put(before.Displaced, change.Slot);
        }
    }

    private void Put(int expert, int slot)
    {
        int count = _replicas[expert];
        if (count == _slotsOf[expert].Length)
        {
            Array.Resize(ref _slotsOf[expert], 2 * count);
        }

        _slotsOf[expert][count] = slot;
        _replicas[expert] = count + 1;
        _expertIn[slot] = expert;
    }

    private void Clear(int slot)
    {
        int expert = _expertIn[slot];
        Span<int> slots = _slotsOf[expert].AsSpan(0, _replicas[expert]);
        slots[slots.IndexOf(slot)] = slots[^1];
        _replicas[expert]--;
        _expertIn[slot] = Free;
    }

    public LayerPlacement ToPlacement()
    {
        int[][] ranks = new int[Experts][];
        for (int expert = 0; expert < ranks.Length; expert++)
        {
            ranks[expert] = [.. SlotsOf(expert).ToArray().Select(RankOf)];
        }

        return new LayerPlacement(Workers, ranks);
    }
}

/// <summary>
/// One change of a draft. An expert gets a replica in <paramref name="Slot"/>. Whatever was there is dropped, or goes to another slot: the one that
/// the expert leaves in exchange, a free one, or that of a replica which is dropped.
/// </summary>
/// <param name="Expert">The expert.</param>
/// <param name="Slot">Its new slot.</param>
/// <param name="DisplacedTo">Where the one that it displaces goes; −1 when that is dropped or the slot was free.</param>
internal readonly record struct SlotChange(int Expert, int Slot, int DisplacedTo = -1)
{
    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => DisplacedTo < 0 ? 1 : 2;
}
