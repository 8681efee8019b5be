using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>An auxiliary loss by its name.</summary>
/// <param name="Name">What it is called: <c>balance</c>, <c>z</c>, or as a gate of one's own has it.</param>
/// <param name="Value">Mean over micro-batches of the sum over layers, without coefficients.</param>
/// <param name="Weighted">The same with coefficients: what the step's loss contains.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.loss.named")]
public readonly record struct NamedLoss([property: Id(0)] string Name, [property: Id(1)] double Value, [property: Id(2)] double Weighted)
{
    /// <summary>The losses of some micro-batches. Sums are over ascending micro-batches, then layers, whoever measured them.</summary>
    /// <param name="parts">The parts, in any order.</param>
    /// <param name="microBatches">Micro-batches that they come from.</param>
    public static NamedLoss[] Of(IEnumerable<AuxiliaryPart> parts, int microBatches) =>
    [
        .. parts.OrderBy(part => part.MicroBatch).ThenBy(part => part.Layer)
            .GroupBy(part => part.Name)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => new NamedLoss(group.Key, group.Sum(part => part.Value) / microBatches, group.Sum(part => part.Weighted) / microBatches)),
    ];
}
