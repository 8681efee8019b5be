namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The outcome of work.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome")]
public abstract class WorkOutcome;
