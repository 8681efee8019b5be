using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>Mean router entropies from parts.</summary>
public static class RouterEntropies
{
    /// <summary>Mean over tokens of −Σ p·ln p, nats; 0 without tokens. Summed over ascending micro-batches, whoever measured them.</summary>
    public static double Mean(IEnumerable<RouterPart> parts)
    {
        RouterPart[] ordered = [.. parts.OrderBy(part => part.MicroBatch)];
        return ordered.Sum(part => part.EntropySum) / Math.Max(1, ordered.Sum(part => part.Tokens));
    }
}
