using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Grains.Interfaces.Workers;

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

    /// <summary>What could not be done although the worker is well, such as a file that cannot be written; null for nothing.</summary>
    [Id(8)]
    public string? Complaint { get; init; }

    /// <summary>Managed bytes that the executor thread allocated during the work.</summary>
    [Id(7)]
    public long AllocatedBytes { get; init; }

    /// <summary>Where its time went since it had prepared the step before; null for another order than to prepare.</summary>
    [Id(20)]
    public WorkerTiming? Timing { get; init; }

    /// <summary>How the change of placement went that came with the order; null when none did.</summary>
    [Id(30)]
    public SwitchReport? Switch { get; init; }

    /// <summary>What all workers were measured to do, alike on every one; null unless that was the order.</summary>
    [Id(31)]
    public ClusterCalibration? Calibration { get; init; }

    /// <summary>Router entropies by micro-batch and layer.</summary>
    [Id(10)]
    public RouterPart[] Routers { get; init; } = [];

    /// <summary>Auxiliary losses by micro-batch and layer.</summary>
    [Id(11)]
    public AuxiliaryPart[] AuxiliaryLosses { get; init; } = [];

    /// <summary>Tensors that are not finite.</summary>
    [Id(12)]
    public NonFinitePart[] NonFinite { get; init; } = [];
}
