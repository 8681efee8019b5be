using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A batch to learn from.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.step")]
public sealed class StepRequest
{
    /// <summary>The step, from 1.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>All micro-batches of the step.</summary>
    [Id(1)]
    public required MicroBatchMessage[] Batches { get; init; }

    /// <summary>Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</summary>
    [Id(2)]
    public Guid Forward { get; init; }
}
