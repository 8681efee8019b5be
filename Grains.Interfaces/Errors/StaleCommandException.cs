namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A command of an old term, epoch or step, or one out of order. It changed nothing; whoever sent it is no longer, or not yet, in charge.</summary>
[GenerateSerializer]
[Alias("moe.error.stale")]
public sealed class StaleCommandException(string message) : MoEException(message);
