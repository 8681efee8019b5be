namespace MoEActors.Placement.Planners.Drafts;

/// <summary>
/// One change of a draft. An expert gets a replica in <paramref name="Slot"/>. Whatever was there is dropped, or goes to another slot: the one that
/// the expert leaves in exchange, a free one, or that of a replica which is dropped.
/// </summary>
/// <param name="Expert">The expert.</param>
/// <param name="Slot">Its new slot.</param>
/// <param name="DisplacedTo">Where the one that it displaces goes; −1 when that is dropped or nobody was there.</param>
internal readonly record struct SlotChange(int Expert, int Slot, int DisplacedTo = -1)
{
    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => DisplacedTo < 0 ? 1 : 2;
}
