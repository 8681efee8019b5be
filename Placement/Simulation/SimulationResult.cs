namespace MoEActors.Placement.Simulation;

/// <summary>What a policy made of a trace. Balance ratios are means over layers; null where no row falls into the range.</summary>
public sealed record SimulationResult
{
    /// <summary>Name of the policy.</summary>
    public required string Policy { get; init; }

    /// <summary>Mean balance ratio of the rows before step 500.</summary>
    public required double? RatioMeanBefore500 { get; init; }

    /// <summary>Mean balance ratio of the rows from step 500 on.</summary>
    public required double? RatioMeanAfter500 { get; init; }

    /// <summary>Worst balance ratio of a single layer in a row from step 500 on.</summary>
    public required double? RatioWorstAfter500 { get; init; }

    /// <summary>Predicted seconds of all MoE layers over the trace, transfers included.</summary>
    public required double Seconds { get; init; }

    /// <summary>The same if every worker always had the mean load.</summary>
    public required double BalancedSeconds { get; init; }

    /// <summary>Plans made, empty ones included.</summary>
    public required int Plans { get; init; }

    /// <summary>Shards that arrived where they were not.</summary>
    public required int ShardsMoved { get; init; }

    /// <summary>Mixture-of-experts layers.</summary>
    public required int Layers { get; init; }

    /// <summary>State that travelled, in bytes.</summary>
    public required long BytesMoved { get; init; }

    /// <summary>Mean time that one plan of all layers took to make, in milliseconds.</summary>
    public required double PlanningMilliseconds { get; init; }

    /// <summary>Shards moved per layer and plan.</summary>
    public double ShardsMovedPerLayerPlan => Plans == 0 ? 0 : (double)ShardsMoved / Plans / Layers;
}
