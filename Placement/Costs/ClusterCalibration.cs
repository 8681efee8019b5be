namespace MoEActors.Placement.Costs;

/// <summary>What the workers of a cluster were measured to do, all at work at once. The slowest worker counts.</summary>
/// <param name="Rows">Rows of one expert in a round, ascending.</param>
/// <param name="Seconds">Processor seconds of a pass with each: a third of forward and backward, as backward costs two passes.</param>
/// <param name="Bandwidth">Bytes per second that a worker sends to another while all do.</param>
public sealed record ClusterCalibration(long[] Rows, double[] Seconds, double Bandwidth);
