namespace MoEActors.Workers.Exchange;

/// <summary>Which worker computes which slice of which expert. It follows from the placement alone, so that every worker knows it.</summary>
/// <remarks>
/// Workers that hold the expert come first, the home before all, and compute their slice of what they have. Where there are more slices, the ranks behind the home follow: on the static
/// placement of fewer experts than workers these have no expert of their own, and with as many experts or more every worker gets equally many slices.
/// </remarks>
internal sealed class SliceServers
{
    private readonly int[] _servers;

    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="slices">Slices of an expert, at most one for each worker.</param>
    public SliceServers(LayerPlacement placement, int slices)
    {
        Slices = slices;
        _servers = new int[placement.Experts * slices];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            Span<int> servers = _servers.AsSpan(expert * slices, slices);
            ReadOnlySpan<int> holders = placement.RanksOf(expert);
            int next = Math.Min(slices, holders.Length);
            holders[..next].CopyTo(servers);
            for (int rank = holders[0] + 1; next < slices; rank++)
            {
                if (!placement.Holds(expert, rank % placement.Workers))
                {
                    servers[next++] = rank % placement.Workers;
                }
            }
        }
    }

    /// <summary>Slices of an expert.</summary>
    public int Slices { get; }

    /// <summary>By slice: the rank that computes it. They are distinct.</summary>
    public ReadOnlySpan<int> Of(int expert) => _servers.AsSpan(expert * Slices, Slices);
}
