namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A worker's answer to the roll-call of a change of placement.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.switch")]
public sealed class SwitchReport
{
    /// <summary>The epoch that the change is to make.</summary>
    [Id(0)]
    public required long Epoch { get; init; }

    /// <summary>Shards that have arrived here whole, as <c>layer/expert</c>.</summary>
    [Id(1)]
    public string[] Arrived { get; init; } = [];

    /// <summary>What went wrong, naming the worker; null when nothing did.</summary>
    [Id(2)]
    public string? Failure { get; init; }

    /// <summary>Whether the failure is only that a peer failed.</summary>
    [Id(3)]
    public bool IsConsequence { get; init; }

    /// <summary>Seconds that the copies took, beside the step.</summary>
    [Id(4)]
    public double CopySeconds { get; init; }

    /// <summary>Seconds that the step had to wait for them at its end.</summary>
    [Id(5)]
    public double WaitSeconds { get; init; }
}
