using System.Collections.Immutable;

namespace MoEActors.Placement.Load;

/// <summary>What the gates routed in one step. The arrays are read, never written.</summary>
public sealed class LoadSample
{
    /// <summary>Checks and keeps a sample. O(layers · experts).</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="tokens">By layer and expert: tokens routed to it, before drops.</param>
    /// <param name="dropped">By layer: tokens dropped for want of capacity; null for none.</param>
    /// <exception cref="PlacementException">A count is negative.</exception>
    public LoadSample(long step, IReadOnlyList<long[]> tokens, IReadOnlyList<long>? dropped = null)
    {
        for (int layer = 0; layer < tokens.Count; layer++)
        {
            int negative = Array.FindIndex(tokens[layer], count => count < 0);
            if (negative >= 0)
            {
                throw new PlacementException($"Step {step}, layer {layer}, expert {negative}: {tokens[layer][negative]} tokens; a count must not be negative.");
            }
        }

        Step = step;
        Tokens = [.. tokens];
        Dropped = dropped is null ? [.. new long[tokens.Count]] : [.. dropped];
    }

    /// <summary>Number of the step.</summary>
    public long Step { get; }

    /// <summary>By layer and expert: tokens routed to it, before drops.</summary>
    public ImmutableArray<long[]> Tokens { get; }

    /// <summary>By layer: tokens dropped for want of capacity.</summary>
    public ImmutableArray<long> Dropped { get; }
}
