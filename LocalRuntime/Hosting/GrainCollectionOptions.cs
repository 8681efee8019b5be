namespace Orleans.Configuration;

/// <summary>When idle activations are ended.</summary>
public class GrainCollectionOptions
{
    /// <summary>How long an activation must be idle.</summary>
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often that is looked at.</summary>
    public TimeSpan CollectionQuantum { get; set; } = TimeSpan.FromMinutes(1);
}
