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
}

/// <summary>What one worker has to say of an order.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.worker")]
public sealed class WorkerReport
{
    /// <summary>The worker's rank.</summary>
    [Id(0)]
    public required int Rank { get; init; }

    /// <summary>Losses of its micro-batches.</summary>
    [Id(1)]
    public LossPart[] Losses { get; init; } = [];

    /// <summary>Norm of the step's gradient, alike on every worker.</summary>
    [Id(2)]
    public double GradientNorm { get; init; }

    /// <summary>By layer and expert: tokens of its micro-batches that found a slot.</summary>
    [Id(3)]
    public long[][] KeptTokens { get; init; } = [];

    /// <summary>By layer and expert: tokens of its micro-batches that chose it.</summary>
    [Id(4)]
    public long[][] ChosenTokens { get; init; } = [];

    /// <summary>Generated tokens (rank 0).</summary>
    [Id(5)]
    public int[] Tokens { get; init; } = [];

    /// <summary>Hashes or file names by block.</summary>
    [Id(6)]
    public BlockReport[] Blocks { get; init; } = [];

    /// <summary>Managed bytes that the executor thread allocated during the work.</summary>
    [Id(7)]
    public long AllocatedBytes { get; init; }
}

/// <summary>The losses of one micro-batch.</summary>
/// <param name="Index">Place in the step.</param>
/// <param name="CrossEntropySum">Σ over its tokens, nats.</param>
/// <param name="Auxiliary">Σ over layers of the weighted auxiliary losses.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.loss")]
public readonly record struct LossPart([property: Id(0)] int Index, [property: Id(1)] double CrossEntropySum, [property: Id(2)] double Auxiliary);

/// <summary>What was found or written of one block of parameters.</summary>
/// <param name="Block">Prefix of its tensors; empty for the dense part.</param>
/// <param name="Hash">Hash of its values' bits.</param>
/// <param name="File">File it was written to; empty when none was.</param>
/// <param name="Tensors">Names of the tensors in the file.</param>
/// <param name="Bytes">Bytes of their data.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.block")]
public sealed record BlockReport(
    [property: Id(0)] string Block, [property: Id(1)] ulong Hash, [property: Id(2)] string File, [property: Id(3)] string[] Tensors,
    [property: Id(4)] long Bytes);

/// <summary>A host's answer to the roll-call.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.roll")]
public sealed class HostRoll
{
    /// <summary>Number of devices.</summary>
    [Id(0)]
    public required int Devices { get; init; }

    /// <summary>Highest term seen for the model; 0 for none.</summary>
    [Id(1)]
    public long Term { get; init; }

    /// <summary>Epoch of the model; 0 for none.</summary>
    [Id(2)]
    public long Epoch { get; init; }

    /// <summary>Committed steps; −1 when the host holds nothing of the model.</summary>
    [Id(3)]
    public long Version { get; init; } = -1;

    /// <summary>Step that is prepared and not decided; 0 for none.</summary>
    [Id(4)]
    public long Prepared { get; init; }

    /// <summary>Shards by device, as <c>layer/expert/replica.slice</c>.</summary>
    [Id(5)]
    public string[][] Shards { get; init; } = [];

    /// <summary>Whether an order is still running: the rest of the answer means nothing, ask again.</summary>
    [Id(6)]
    public bool Busy { get; init; }
}
