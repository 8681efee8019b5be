namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Run the gradients of the last forward's outputs back through a layer that has no backbone, and add to those of the step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.backward")]
public sealed class BackwardOrder : WorkOrder
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
