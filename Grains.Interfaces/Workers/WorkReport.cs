namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>How an order ended on one host.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.report")]
public sealed class WorkReport
{
    /// <summary>Number of the order.</summary>
    [Id(0)]
    public required long Number { get; init; }

    /// <summary>What failed, naming worker and cause; null when nothing did.</summary>
    [Id(1)]
    public string? Failure { get; init; }

    /// <summary>Whether the failure is only that a peer failed: the cause is in another host's report.</summary>
    [Id(2)]
    public bool IsConsequence { get; init; }

    /// <summary>What each worker of the host has to say, in device order.</summary>
    [Id(3)]
    public WorkerReport[] Workers { get; init; } = [];

    /// <summary>Memory of the host's workers, by device.</summary>
    [Id(10)]
    public WorkerMemory[] Memory { get; init; } = [];
}
