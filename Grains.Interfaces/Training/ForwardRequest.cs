namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Run rows through a layer that has no backbone; the outcome is a <see cref="ForwardOutcome"/>. The rows themselves never travel in a call.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.forward")]
public sealed class ForwardRequest : WorkRequest
{
    /// <summary>Handle of the memory that the caller lends: rows to read, outputs to write.</summary>
    [Id(0)]
    public required Guid Memory { get; init; }

    /// <summary>Rows of the call.</summary>
    [Id(1)]
    public required int Rows { get; init; }

    /// <summary>Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</summary>
    [Id(2)]
    public required int Pass { get; init; }

    /// <summary>Weight of the layer's auxiliary losses in the caller's loss.</summary>
    [Id(3)]
    public float AuxiliaryScale { get; init; } = 1f;
}
