namespace Orleans.Runtime.Placement;

/// <summary>The grain to place.</summary>
public readonly struct PlacementTarget(
    GrainId grainIdentity, Dictionary<string, object> requestContextData, GrainInterfaceType interfaceType, ushort interfaceVersion)
{
    /// <summary>Its identity.</summary>
    public GrainId GrainIdentity { get; } = grainIdentity;

    /// <summary>The interface of the first call.</summary>
    public GrainInterfaceType InterfaceType { get; } = interfaceType;

    /// <summary>Always zero here.</summary>
    public ushort InterfaceVersion { get; } = interfaceVersion;

    /// <summary>The request context of the first call.</summary>
    public Dictionary<string, object> RequestContextData { get; } = requestContextData;
}
