namespace MoEActors.Placement.Costs;

/// <summary>What the workers of a cluster were measured to do, all at work at once. The slowest worker counts.</summary>
public sealed record ClusterCalibration
{
    /// <summary>Rows of one expert in a round, ascending.</summary>
    public required long[] Rows { get; init; }

    /// <summary>Processor seconds of a pass with each: a third of forward and backward, as backward costs two passes.</summary>
    public required double[] Seconds { get; init; }

    /// <summary>Bytes per second that a worker sends to another while all do.</summary>
    public required double Bandwidth { get; init; }
}
