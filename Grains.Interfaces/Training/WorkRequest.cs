namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Work of the whole cluster besides steps.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.work")]
public abstract class WorkRequest;
