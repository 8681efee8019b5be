namespace MoEActors.Placement.Planners.Drafts;

/// <summary>
/// One change of a draft. An expert gets a replica in <paramref name="Slot"/>; whatever was there is dropped, or goes to the slot that the
/// expert leaves in exchange.
/// </summary>
/// <param name="Expert">The expert.</param>
/// <param name="Slot">Its new slot.</param>
/// <param name="Left">The slot that it leaves to the one it displaces; −1 when it leaves none.</param>
internal readonly record struct SlotChange(int Expert, int Slot, int Left = -1)
{
    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => Left < 0 ? 1 : 2;
}
