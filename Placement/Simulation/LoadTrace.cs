using System.Collections.Immutable;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Simulation;

/// <summary>What the gates of a run routed, at sampled steps.</summary>
public sealed class LoadTrace
{
    /// <summary>Keeps the rows of a trace. O(rows · layers).</summary>
    /// <param name="rows">The sampled steps, ascending, each with the same layers and experts; at least one.</param>
    /// <exception cref="PlacementException">There is no row, or rows disagree.</exception>
    public LoadTrace(IReadOnlyList<LoadSample> rows)
    {
        if (rows.Count == 0)
        {
            throw new PlacementException("The trace has no row; at least one step is needed.");
        }

        Rows = [.. rows];
        Experts = [.. rows[0].Tokens.Select(layer => layer.Length)];
        for (int row = 1; row < rows.Count; row++)
        {
            if (rows[row].Step <= rows[row - 1].Step || !rows[row].Tokens.Select(layer => layer.Length).SequenceEqual(Experts))
            {
                throw new PlacementException($"Step {rows[row].Step} does not follow step {rows[row - 1].Step} with the same layers and experts.");
            }
        }
    }

    /// <summary>The sampled steps, ascending.</summary>
    public ImmutableArray<LoadSample> Rows { get; }

    /// <summary>Experts of each layer.</summary>
    public ImmutableArray<int> Experts { get; }
}
