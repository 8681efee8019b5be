namespace MoEActors.Grains.Interfaces.Director;

/// <summary>One decision of the director: why, what, and what came of it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.decision")]
public sealed record DirectorDecision
{
    /// <summary>Its number, from 1.</summary>
    [Id(0)]
    public required long Number { get; init; }

    /// <summary>The last step whose load it was made from.</summary>
    [Id(1)]
    public required long Step { get; init; }

    /// <summary>How far it has come.</summary>
    [Id(2)]
    public required DecisionState State { get; init; }

    /// <summary>What it means for each layer that changes, the most rewarding first.</summary>
    [Id(3)]
    public required LayerDecision[] Layers { get; init; }

    /// <summary>The step after which it was in force or given up; 0 while it lands.</summary>
    [Id(4)]
    public long ConcludedAt { get; init; }

    /// <summary>Why it was given up; null when it was not.</summary>
    [Id(5)]
    public string? Failure { get; init; }

    /// <summary>Shards that have arrived.</summary>
    [Id(6)]
    public int ShardsMoved { get; init; }

    /// <summary>Bytes of state that have travelled.</summary>
    [Id(7)]
    public long BytesMoved { get; init; }

    /// <summary>Seconds that the copies took beside the steps.</summary>
    [Id(8)]
    public double CopySeconds { get; init; }

    /// <summary>Seconds that steps had to wait for them.</summary>
    [Id(9)]
    public double WaitSeconds { get; init; }
}
