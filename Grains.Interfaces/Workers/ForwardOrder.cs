namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Run rows of the caller's through a layer that has no backbone. What belongs to them stays until their backward.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.forward")]
public sealed class ForwardOrder : WorkOrder
{
    /// <summary>Handle of the memory that the caller lends: rows to read, outputs to write.</summary>
    [Id(0)]
    public required Guid Memory { get; init; }

    /// <summary>Rows of the call; micro-batch m of M has those from m·rows/M on.</summary>
    [Id(1)]
    public required int Rows { get; init; }

    /// <summary>Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</summary>
    [Id(2)]
    public required int Pass { get; init; }

    /// <summary>The step that the pass is part of.</summary>
    [Id(3)]
    public required long Step { get; init; }

    /// <summary>Weight of the layer's auxiliary losses in the caller's loss.</summary>
    [Id(4)]
    public required float AuxiliaryScale { get; init; }
}
