using MoEActors.Modules.Checkpoints;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Commands;

/// <summary>Sum the cross-entropy of micro-batches; nothing is learnt.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.evaluate")]
public sealed class EvaluateCommand : Command<EvaluateReport>
{
    /// <summary>Micro-batches of the whole evaluation.</summary>
    [Id(0)] public required int MicroBatches { get; init; }

    /// <summary>The micro-batches of this host's workers.</summary>
    [Id(1)] public required PlacedMicroBatch[] Batches { get; init; }
}

/// <summary>What a worker has evaluated.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.evaluate")]
public sealed class EvaluateReport : WorkerReport
{
    /// <summary>Losses of its micro-batches.</summary>
    [Id(0)] public required LossPart[] Losses { get; init; }
}

/// <summary>Continue a text.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.generate")]
public sealed class GenerateCommand : Command<GenerateReport>
{
    /// <summary>Tokens to continue.</summary>
    [Id(0)] public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)] public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)] public required float Temperature { get; init; }

    /// <summary>Seed of the draws.</summary>
    [Id(3)] public required ulong Seed { get; init; }
}

/// <summary>A text that goes on.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.generate")]
public sealed class GenerateReport : WorkerReport
{
    /// <summary>The new tokens on rank 0; empty elsewhere.</summary>
    [Id(0)] public int[] Tokens { get; init; } = [];

    /// <summary>Why no token can be drawn; null when one could.</summary>
    [Id(1)] public string? Error { get; init; }
}

/// <summary>Hash the parameters.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.fingerprint")]
public sealed class FingerprintCommand : Command<FingerprintReport>;

/// <summary>Hashes of what a worker holds.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.fingerprint")]
public sealed class FingerprintReport : WorkerReport
{
    /// <summary>The hashes.</summary>
    [Id(0)] public required BlockHash[] Blocks { get; init; }
}

/// <summary>The hash of one block of parameters.</summary>
/// <param name="Block">Prefix of its tensors; empty for the dense part.</param>
/// <param name="Hash">Hash of its values' bits.</param>
[GenerateSerializer, Immutable, Alias("moe.fingerprint.block")]
public readonly record struct BlockHash([property: Id(0)] string Block, [property: Id(1)] ulong Hash);

/// <summary>Write the parameters to a checkpoint's place, each worker its own.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.save")]
public sealed class SaveCommand : Command<SaveReport>
{
    /// <summary>The place, as <see cref="CheckpointPlaces"/> has it; its folder exists.</summary>
    [Id(0)] public required string Place { get; init; }

    /// <summary>Part of the names of all files of this save and of no other, so that none replaces one of an older checkpoint.</summary>
    [Id(1)] public required string Tag { get; init; }
}

/// <summary>What a worker has written.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.save")]
public sealed class SaveReport : WorkerReport
{
    /// <summary>The files.</summary>
    [Id(0)] public CheckpointFile[] Files { get; init; } = [];

    /// <summary>Why the files could not be written; null when they were.</summary>
    [Id(1)] public string? Error { get; init; }
}

/// <summary>Measure what the workers compute and send, all of them at once.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.calibrate")]
public sealed class CalibrateCommand : Command<CalibrateReport>;

/// <summary>What was measured.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.calibrate")]
public sealed class CalibrateReport : WorkerReport
{
    /// <summary>What all workers were measured to do, alike on every one.</summary>
    [Id(0)] public required ClusterCalibration Calibration { get; init; }
}
