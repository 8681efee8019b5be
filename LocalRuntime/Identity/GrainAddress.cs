namespace Orleans.Runtime;

/// <summary>Where one activation of a grain lives.</summary>
[GenerateSerializer]
[Immutable]
public sealed class GrainAddress
{
    /// <summary>The grain.</summary>
    [Id(0)]
    public GrainId GrainId { get; init; }

    /// <summary>The activation.</summary>
    [Id(1)]
    public ActivationId ActivationId { get; init; }

    /// <summary>The silo.</summary>
    [Id(2)]
    public SiloAddress? SiloAddress { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"[{GrainId} {SiloAddress} {ActivationId}]";
}
