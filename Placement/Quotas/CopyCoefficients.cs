namespace MoEActors.Placement.Quotas;

/// <summary>
/// What a layer's transient copies cost and what they save, in whole numbers of one unit of time, so that every worker computes the same
/// assignment from the same counts. <c>CostModel.CopyCoefficients</c> gives them in picoseconds.
/// </summary>
public sealed record CopyCoefficients
{
    /// <summary>Computing one row: forward and both halves of backward.</summary>
    public required long Row { get; init; }

    /// <summary>All exchanges of one row that comes from another worker; a row of the worker's own crosses no link.</summary>
    public required long RowExchange { get; init; }

    /// <summary>
    /// The weights of one expert on their way to one worker, as often as they are sent in a step: once if they are kept until backward, else twice. Paid by
    /// the home that sends and by the worker that receives.
    /// </summary>
    public required long Weights { get; init; }

    /// <summary>One gradient of an expert on its way home. Paid by both ends.</summary>
    public required long Gradient { get; init; }

    /// <summary>What every copy takes beside its bytes.</summary>
    public long Latency { get; init; }

    /// <summary>Whether every segment sends a gradient of its own (reproducible mode), or every copy one.</summary>
    public bool GradientPerSegment { get; init; }

    /// <summary>Copies that a worker has memory for, beside the experts that it holds.</summary>
    public int MostCopies { get; init; } = int.MaxValue;
}
