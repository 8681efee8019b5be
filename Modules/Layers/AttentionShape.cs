namespace MoEActors.Modules.Layers;

/// <summary>Heads of grouped-query attention (Ainslie et al., arXiv 2305.13245).</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves <c>Heads / KeyValueHeads</c> query heads.</param>
/// <param name="HeadDim">Features of a head.</param>
public readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadDim)
{
    /// <summary>Query heads that share a key and value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Columns of queries.</summary>
    public int QueryColumns => Heads * HeadDim;

    /// <summary>Columns of keys, and of values.</summary>
    public int KeyColumns => KeyValueHeads * HeadDim;

    /// <summary>Columns of queries, keys and values side by side.</summary>
    public int Columns => QueryColumns + 2 * KeyColumns;
}
