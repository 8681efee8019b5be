namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>A gate's policy and what it has led to.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Silo">The silo it runs on.</param>
/// <param name="TopK">Experts per token.</param>
/// <param name="CapacityFactor">Capacity factor; 0 is dropless.</param>
/// <param name="ChosenTokens">Per expert: tokens of this rank that chose it in the last prepared step.</param>
/// <param name="DroppedTokens">Choices of this rank that found no slot in the last prepared step.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.gate.status")]
public sealed record GateStatus(
    [property: Id(0)] int Layer, [property: Id(1)] int Rank, [property: Id(2)] string Silo, [property: Id(3)] int TopK,
    [property: Id(4)] float CapacityFactor, [property: Id(5)] long[] ChosenTokens, [property: Id(6)] long DroppedTokens);
