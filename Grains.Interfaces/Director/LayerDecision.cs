namespace MoEActors.Grains.Interfaces.Director;

/// <summary>What a decision means for one layer.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.decision.layer")]
public sealed record LayerDecision
{
    /// <summary>The layer.</summary>
    [Id(0)]
    public required int Layer { get; init; }

    /// <summary>The shards that arrive somewhere.</summary>
    [Id(1)]
    public required ShardArrival[] Arrivals { get; init; }

    /// <summary>Balance ratio of the steps that it was decided from.</summary>
    [Id(2)]
    public required double RatioBefore { get; init; }

    /// <summary>The ratio that those steps would have had.</summary>
    [Id(3)]
    public required double PredictedRatio { get; init; }

    /// <summary>Mean ratio of the steps after it was in force; null as long as there are none.</summary>
    [Id(4)]
    public double? MeasuredRatio { get; init; }

    /// <summary>Predicted seconds of the layer in a step, before.</summary>
    [Id(5)]
    public required double SecondsBefore { get; init; }

    /// <summary>Predicted seconds of the layer in a step, after.</summary>
    [Id(6)]
    public required double PredictedSeconds { get; init; }

    /// <summary>Predicted seconds of the transfers.</summary>
    [Id(7)]
    public required double MoveSeconds { get; init; }

    /// <summary>Why, in one sentence.</summary>
    [Id(8)]
    public required string Reason { get; init; }

    /// <summary>
    /// Seconds of processor time that the slowest worker spent on the layer's exchange and experts, mean of the last steps before the decision; null
    /// where they were not measured.
    /// </summary>
    [Id(9)]
    public double? MeasuredSecondsBefore { get; init; }

    /// <summary>The same, mean of the steps after it was in force; null as long as there are none.</summary>
    [Id(10)]
    public double? MeasuredSeconds { get; init; }
}
