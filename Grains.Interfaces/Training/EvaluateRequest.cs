using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Measure the loss of micro-batches; the outcome is an <see cref="EvaluationOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.evaluate")]
public sealed class EvaluateRequest : WorkRequest
{
    /// <summary>The micro-batches.</summary>
    [Id(0)]
    public required MicroBatchMessage[] Batches { get; init; }
}
