using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Interfaces.Director;

/// <summary>
/// Watches the load of one model and proposes plans of placement to its training grain. It owns the load window, the decisions, their reasons
/// and effects; it changes nothing itself. Key: the model's name.
/// </summary>
[Alias("moe.IDirectorGrain")]
public interface IDirectorGrain : IGrainWithStringKey
{
    /// <summary>What it sees and has done.</summary>
    [Alias("status")]
    [ResponseTimeout("00:00:10")]
    Task<DirectorStatus> GetStatusAsync();
}

/// <summary>What the director sees and has done.</summary>
[GenerateSerializer, Immutable, Alias("moe.director.status")]
public sealed class DirectorStatus
{
    /// <summary>Its settings; null when the placement follows nothing.</summary>
    [Id(0)] public DirectorSettings? Settings { get; init; }

    /// <summary>The last step whose load it has seen; 0 for none.</summary>
    [Id(1)] public long Step { get; init; }

    /// <summary>By layer: balance ratio of that step; 1 for a dense layer.</summary>
    [Id(2)] public double[] Ratios { get; init; } = [];

    /// <summary>The last decisions, oldest first.</summary>
    [Id(3)] public DirectorDecision[] Decisions { get; init; } = [];

    /// <summary>What the cluster was measured to do; null before.</summary>
    [Id(4)] public ClusterCalibration? Calibration { get; init; }

    /// <summary>Mean of |predicted − measured| / measured over layers and recent steps; null where nothing was measured.</summary>
    [Id(5)] public double? PredictionError { get; init; }
}
