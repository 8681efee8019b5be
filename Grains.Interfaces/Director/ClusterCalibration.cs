namespace MoEActors.Grains.Interfaces.Director;

/// <summary>What the workers of a cluster were measured to do, all at work at once. The slowest worker counts.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.calibration")]
public sealed record ClusterCalibration
{
    /// <summary>Rows of one expert's forward pass, ascending.</summary>
    [Id(0)]
    public required long[] Rows { get; init; }

    /// <summary>Seconds of each.</summary>
    [Id(1)]
    public required double[] Seconds { get; init; }

    /// <summary>Bytes per second that a worker sends to another while all do.</summary>
    [Id(2)]
    public required double Bandwidth { get; init; }
}
