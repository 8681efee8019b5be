using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The director has its settings.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.direct")]
public sealed class DirectOutcome : WorkOutcome
{
    /// <summary>What the cluster was measured to do, now or before; null when that was never needed.</summary>
    [Id(0)]
    public ClusterCalibration? Calibration { get; init; }
}
