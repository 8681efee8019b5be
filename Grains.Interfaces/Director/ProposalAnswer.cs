namespace MoEActors.Grains.Interfaces.Director;

/// <summary>What the coordinator says to a plan.</summary>
/// <param name="Refusal">Why it is refused; null when it is taken.</param>
/// <param name="Step">The last step that was committed before it was taken.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.answer")]
public readonly record struct ProposalAnswer([property: Id(0)] string? Refusal, [property: Id(1)] long Step);
