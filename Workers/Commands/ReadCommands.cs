using MoEActors.Modules.Checkpoints;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Commands;

/// <summary>Sum the cross-entropy of micro-batches; nothing is learnt.</summary>
/// <param name="MicroBatches">Micro-batches of the whole evaluation.</param>
/// <param name="Batches">The micro-batches of this host's workers.</param>
[GenerateSerializer, Immutable, Alias("moe.command.evaluate")]
public sealed record EvaluateCommand([property: Id(0)] int MicroBatches, [property: Id(1)] PlacedMicroBatch[] Batches) : Command<EvaluateReport>;

/// <summary>What a worker has evaluated.</summary>
/// <param name="Losses">Losses of its micro-batches.</param>
[GenerateSerializer, Immutable, Alias("moe.report.evaluate")]
public sealed record EvaluateReport([property: Id(0)] LossPart[] Losses) : WorkerReport;

/// <summary>Continue a text.</summary>
/// <param name="Prompt">Tokens to continue.</param>
/// <param name="Count">Tokens to add.</param>
/// <param name="Temperature">Divides the logits; 0 takes the most likely token.</param>
/// <param name="Seed">Seed of the draws.</param>
[GenerateSerializer, Immutable, Alias("moe.command.generate")]
public sealed record GenerateCommand(
    [property: Id(0)] int[] Prompt, [property: Id(1)] int Count, [property: Id(2)] float Temperature, [property: Id(3)] ulong Seed) : Command<GenerateReport>;

/// <summary>A text that goes on.</summary>
/// <param name="Tokens">The new tokens on rank 0; empty elsewhere.</param>
/// <param name="Error">Why no token can be drawn; null when one could.</param>
[GenerateSerializer, Immutable, Alias("moe.report.generate")]
public sealed record GenerateReport([property: Id(0)] int[] Tokens, [property: Id(1)] string? Error) : WorkerReport;

/// <summary>Hash the parameters.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.fingerprint")]
public sealed record FingerprintCommand : Command<FingerprintReport>;

/// <summary>Hashes of what a worker holds.</summary>
/// <param name="Blocks">The hashes.</param>
[GenerateSerializer, Immutable, Alias("moe.report.fingerprint")]
public sealed record FingerprintReport([property: Id(0)] BlockHash[] Blocks) : WorkerReport;

/// <summary>The hash of one block of parameters.</summary>
/// <param name="Block">Prefix of its tensors; empty for the dense part.</param>
/// <param name="Hash">Hash of its values' bits.</param>
[GenerateSerializer, Immutable, Alias("moe.fingerprint.block")]
public readonly record struct BlockHash([property: Id(0)] string Block, [property: Id(1)] ulong Hash);

/// <summary>Write the parameters to a checkpoint's place, each worker its own.</summary>
/// <param name="Place">The place, as <see cref="CheckpointPlaces"/> has it; its folder exists.</param>
/// <param name="Tag">Part of the names of all files of this save and of no other, so that none replaces one of an older checkpoint.</param>
[GenerateSerializer, Immutable, Alias("moe.command.save")]
public sealed record SaveCommand([property: Id(0)] string Place, [property: Id(1)] string Tag) : Command<SaveReport>;

/// <summary>What a worker has written.</summary>
/// <param name="Files">The files.</param>
/// <param name="Error">Why the files could not be written; null when they were.</param>
[GenerateSerializer, Immutable, Alias("moe.report.save")]
public sealed record SaveReport([property: Id(0)] CheckpointFile[] Files, [property: Id(1)] string? Error) : WorkerReport;

/// <summary>Measure what the workers compute and send, all of them at once.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.calibrate")]
public sealed record CalibrateCommand : Command<CalibrateReport>;

/// <summary>What was measured.</summary>
/// <param name="Calibration">What all workers were measured to do, alike on every one.</param>
[GenerateSerializer, Immutable, Alias("moe.report.calibrate")]
public sealed record CalibrateReport([property: Id(0)] ClusterCalibration Calibration) : WorkerReport;
