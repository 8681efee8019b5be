namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Say how far the model is once everything queued before is done; the outcome is a <see cref="ProgressOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.progress")]
public sealed class ProgressRequest : WorkRequest;
