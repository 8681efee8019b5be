namespace MoEActors.Grains.Interfaces.Director;

/// <summary>What the director sees and has done.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.status")]
public sealed class DirectorStatus
{
    /// <summary>Its settings; null when the placement follows nothing.</summary>
    [Id(0)]
    public DirectorSettings? Settings { get; init; }

    /// <summary>The last step whose load it has seen; 0 for none.</summary>
    [Id(1)]
    public long Step { get; init; }

    /// <summary>By layer: balance ratio of that step; 1 for a dense layer.</summary>
    [Id(2)]
    public double[] Ratios { get; init; } = [];

    /// <summary>The last decisions, oldest first.</summary>
    [Id(3)]
    public DirectorDecision[] Decisions { get; init; } = [];

    /// <summary>What the cluster was measured to do; null before.</summary>
    [Id(4)]
    public ClusterCalibration? Calibration { get; init; }

    /// <summary>Mean of |predicted − measured| / measured over layers and recent steps; null where nothing was measured.</summary>
    [Id(5)]
    public double? PredictionError { get; init; }
}
