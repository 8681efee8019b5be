namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Run gradients back through a layer that has no backbone; the outcome is a <see cref="BackwardOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.backward")]
public sealed class BackwardRequest : WorkRequest
{
    /// <summary>Handle of the memory that the caller lends: gradients of the outputs to read, of the rows to write.</summary>
    [Id(0)]
    public required Guid Memory { get; init; }

    /// <summary>Number of the pass in the step, from 1.</summary>
    [Id(1)]
    public required int Pass { get; init; }

    /// <summary>Handle of the memory of the forward that the gradients belong to.</summary>
    [Id(2)]
    public required Guid Forward { get; init; }
}
