namespace Orleans.Runtime;

/// <summary>Something that is addressed on one silo.</summary>
public abstract class SystemTarget : ISystemTarget
{
    internal SystemTarget(GrainId grainId, SiloAddress silo)
    {
        GrainId = grainId;
        Silo = silo;
    }

    /// <summary>Its identity.</summary>
    public GrainId GrainId { get; }

    /// <summary>The silo that it lives on.</summary>
    public SiloAddress Silo { get; }
}
