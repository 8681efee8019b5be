using System.Globalization;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The outcome of work.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome")]
public abstract record WorkOutcome;

/// <summary>A view is open.</summary>
/// <param name="View">The view.</param>
/// <param name="Workers">Number of workers.</param>
/// <param name="Step">Committed steps.</param>
/// <param name="Cursor">What was saved as the caller's cursor with the checkpoint that the model was restored from; empty for none.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.epoch")]
public sealed record ViewOutcome(
    [property: Id(0)] long View, [property: Id(1)] int Workers, [property: Id(2)] long Step, [property: Id(3)] string Cursor) : WorkOutcome;

/// <summary>The loss of an evaluation.</summary>
/// <param name="Loss">Mean cross-entropy, nats per predicted token.</param>
/// <param name="Tokens">Predicted tokens.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.evaluation")]
public sealed record EvaluationOutcome([property: Id(0)] double Loss, [property: Id(1)] long Tokens) : WorkOutcome;

/// <summary>A text that goes on.</summary>
/// <param name="Tokens">The new tokens.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.generation")]
public sealed record GenerationOutcome([property: Id(0)] int[] Tokens) : WorkOutcome;

/// <summary>Rows have gone through a layer.</summary>
/// <param name="Auxiliary">Weighted balance and z-loss of the gate, mean over micro-batches: the layer's part of the caller's loss.</param>
/// <param name="KeptTokens">By expert: tokens that found a slot.</param>
/// <param name="ChosenTokens">By expert: tokens that chose it.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.forward")]
public sealed record ForwardOutcome(
    [property: Id(0)] double Auxiliary, [property: Id(1)] long[] KeptTokens, [property: Id(2)] long[] ChosenTokens) : WorkOutcome;

/// <summary>Gradients have gone back through a layer.</summary>
/// <param name="Passes">Pairs of forward and backward that the step has so far.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.backward")]
public sealed record BackwardOutcome([property: Id(0)] int Passes) : WorkOutcome;

/// <summary>The routing policy of a layer after a request to replace it.</summary>
/// <param name="Policy">The policy in force on every worker, and the first step that follows it.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.gate")]
public sealed record GateOutcome([property: Id(0)] GatePolicy Policy) : WorkOutcome;

/// <summary>What travels in the layers after a request to change it.</summary>
/// <param name="Layers">By layer.</param>
/// <param name="FromStep">The first step that has it so.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.parallelism")]
public sealed record ParallelismOutcome([property: Id(3)] ParallelismChoice[] Layers, [property: Id(1)] long FromStep) : WorkOutcome
{
    /// <summary>The layers in which it is chosen step by step, by what steps take.</summary>
    [Id(2)] public int[] TunedLayers { get; init; } = [];
}

/// <summary>The director has its settings.</summary>
/// <param name="Calibration">What the cluster was measured to do, now or before; null when that was never needed.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.direct")]
public sealed record DirectOutcome([property: Id(0)] ClusterCalibration? Calibration) : WorkOutcome;

/// <summary>A checkpoint is on disk.</summary>
/// <param name="Folder">The folder, as the coordinator's silo has it.</param>
/// <param name="Bytes">Bytes of tensors.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.save")]
public sealed record SaveOutcome([property: Id(0)] string Folder, [property: Id(1)] long Bytes) : WorkOutcome
{
    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Folder}: {Bytes / (double)(1 << 20):0.0} MiB of tensors");
}

/// <summary>A snapshot is on disk.</summary>
/// <param name="Step">The step whose state it is.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.snapshot")]
public sealed record SnapshotOutcome([property: Id(0)] long Step) : WorkOutcome;

/// <summary>The hash of all parameters.</summary>
/// <param name="Hash">Hash over all blocks in canonical order.</param>
/// <param name="Step">Committed steps.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.fingerprint")]
public sealed record FingerprintOutcome([property: Id(0)] ulong Hash, [property: Id(1)] long Step) : WorkOutcome;

/// <summary>How far a model is.</summary>
/// <param name="Step">Committed steps.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.progress")]
public sealed record ProgressOutcome([property: Id(0)] long Step) : WorkOutcome;

/// <summary>A run is stopped, and a snapshot has all of it.</summary>
/// <param name="Step">Committed steps.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.stop")]
public sealed record StopOutcome([property: Id(0)] long Step) : WorkOutcome;

/// <summary>A model is deleted.</summary>
/// <param name="Existed">Whether there was one of that name.</param>
[GenerateSerializer, Immutable, Alias("moe.outcome.delete")]
public sealed record DeleteOutcome([property: Id(0)] bool Existed) : WorkOutcome;
