namespace MoEActors.Grains.Interfaces.Director;

/// <summary>One decision of the director: why, what, and what came of it.</summary>
[GenerateSerializer, Immutable, Alias("moe.director.decision")]
public sealed record DirectorDecision
{
    /// <summary>Its number, from 1.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>The last step whose load it was made from.</summary>
    [Id(1)] public required long Step { get; init; }

    /// <summary>How far it has come.</summary>
    [Id(2)] public required DecisionState State { get; init; }

    /// <summary>What it means for each layer that changes, the most rewarding first.</summary>
    [Id(3)] public required LayerDecision[] Layers { get; init; }

    /// <summary>The step after which it was in force or abandoned; 0 while it is being applied.</summary>
    [Id(4)] public long ConcludedAt { get; init; }

    /// <summary>Why it was abandoned; null when it was not.</summary>
    [Id(5)] public string? Failure { get; init; }

    /// <summary>Shards that have arrived.</summary>
    [Id(6)] public int ShardsMoved { get; init; }

    /// <summary>Bytes of state that have travelled.</summary>
    [Id(7)] public long BytesMoved { get; init; }

    /// <summary>Seconds that the copies took beside the steps.</summary>
    [Id(8)] public double CopySeconds { get; init; }

    /// <summary>Seconds that steps had to wait for them.</summary>
    [Id(9)] public double WaitSeconds { get; init; }

    /// <summary>When it was made.</summary>
    [Id(10)] public DateTimeOffset Time { get; init; }
}

/// <summary>How far a decision of the director has come.</summary>
public enum DecisionState
{
    /// <summary>Its shards are being copied.</summary>
    Applying,

    /// <summary>Its placement is in force.</summary>
    Applied,

    /// <summary>It was abandoned; the placement is what it was.</summary>
    Abandoned,
}

/// <summary>What a decision means for one layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Arrivals">The shards that arrive somewhere.</param>
/// <param name="RatioBefore">Balance ratio of the steps that it was decided from.</param>
/// <param name="PredictedRatio">The ratio that those steps would have had.</param>
/// <param name="MeasuredRatio">Mean ratio of the steps after it was in force; null as long as there are none.</param>
/// <param name="SecondsBefore">Predicted seconds of the layer in a step, before.</param>
/// <param name="PredictedSeconds">Predicted seconds of the layer in a step, after.</param>
/// <param name="MoveSeconds">Predicted seconds of the transfers.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="MeasuredSecondsBefore">
/// Seconds of processor time that the slowest worker spent on the layer's exchange and experts, mean of the last steps before the decision; null
/// where they were not measured.
/// </param>
/// <param name="MeasuredSeconds">The same, mean of the steps after it was in force; null as long as there are none.</param>
[GenerateSerializer, Immutable, Alias("moe.director.decision.layer")]
public sealed record LayerDecision(
    [property: Id(0)] int Layer, [property: Id(1)] ShardArrival[] Arrivals, [property: Id(2)] double RatioBefore, [property: Id(3)] double PredictedRatio,
    [property: Id(4)] double? MeasuredRatio, [property: Id(5)] double SecondsBefore, [property: Id(6)] double PredictedSeconds,
    [property: Id(7)] double MoveSeconds, [property: Id(8)] string Reason, [property: Id(9)] double? MeasuredSecondsBefore,
    [property: Id(10)] double? MeasuredSeconds);

/// <summary>An expert comes to a worker that did not have it.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="From">Rank that it is copied from, which keeps it if the plan says so.</param>
/// <param name="To">Rank that it comes to.</param>
[GenerateSerializer, Immutable, Alias("moe.director.arrival")]
public readonly record struct ShardArrival([property: Id(0)] int Expert, [property: Id(1)] int From, [property: Id(2)] int To);
