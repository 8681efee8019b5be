namespace MoEActors.Modules.Gates;

/// <summary>How undecided a router was in one micro-batch.</summary>
/// <param name="MicroBatch">Place in the step.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Tokens">Tokens that took part.</param>
/// <param name="EntropySum">Σ over them of −Σ p·ln p, nats.</param>
public readonly record struct RouterPart(int MicroBatch, int Layer, long Tokens, double EntropySum)
{
    /// <summary>Mean over tokens of −Σ p·ln p, nats; 0 without tokens. Summed over ascending micro-batches, whoever measured them.</summary>
    public static double MeanEntropy(IEnumerable<RouterPart> parts)
    {
        RouterPart[] ordered = [.. parts.OrderBy(part => part.MicroBatch)];
        return ordered.Sum(part => part.EntropySum) / Math.Max(1, ordered.Sum(part => part.Tokens));
    }

    /// <summary>How many micro-batches have tokens, of the parts of one layer; the others have no say in a mean.</summary>
    public static int Counted(IEnumerable<RouterPart> parts) => parts.Count(part => part.Tokens > 0);
}

/// <summary>An auxiliary loss of one micro-batch at one gate.</summary>
/// <param name="MicroBatch">Place in the step.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Value">The loss, without its coefficient.</param>
/// <param name="Weighted">The loss times its coefficient.</param>
public readonly record struct AuxiliaryPart(int MicroBatch, int Layer, string Name, double Value, double Weighted);

/// <summary>An auxiliary loss by its name.</summary>
/// <param name="Name">What it is called: <c>balance</c>, <c>z</c>, or as a gate of one's own has it.</param>
/// <param name="Value">Mean over the micro-batches that have tokens of the sum over layers, without coefficients.</param>
/// <param name="Weighted">The same with coefficients: what the step's loss contains.</param>
public readonly record struct NamedLoss(string Name, double Value, double Weighted)
{
    /// <summary>The losses of some micro-batches. Sums are over ascending micro-batches, then layers, whoever measured them.</summary>
    /// <param name="parts">The parts, in any order.</param>
    /// <param name="microBatches">Micro-batches with tokens that they come from.</param>
    public static NamedLoss[] Of(IEnumerable<AuxiliaryPart> parts, int microBatches) =>
    [
        .. parts.OrderBy(part => part.MicroBatch).ThenBy(part => part.Layer)
            .GroupBy(part => part.Name)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new NamedLoss(group.Key, group.Sum(part => part.Value) / Math.Max(1, microBatches), group.Sum(part => part.Weighted) / Math.Max(1, microBatches))),
    ];
}
