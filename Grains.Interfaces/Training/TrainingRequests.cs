using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Models;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A batch to learn from.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Batches">All micro-batches of the step.</param>
/// <param name="Forward">Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</param>
[GenerateSerializer, Immutable, Alias("moe.request.step")]
public sealed record StepRequest([property: Id(0)] long Step, [property: Id(1)] MicroBatch[] Batches, [property: Id(2)] Guid Forward = default);

/// <summary>A placement wished for: silos in rank order and the ranks of every expert, each of which holds a replica.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.placement")]
public sealed class PlacementRequest
{
    /// <summary>Names of the silos that take part, in rank order; empty for all living ones, ordered by name.</summary>
    [Id(0)] public string[] Silos { get; init; } = [];

    /// <summary>
    /// By layer and expert: the ranks that are to hold it, one or more distinct ones; empty for the static placement. A rank is a device: those of
    /// the first silo come first.
    /// </summary>
    [Id(1)] public int[][][] Ranks { get; init; } = [];
}

/// <summary>Work of the whole cluster besides steps.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.work")]
public abstract record WorkRequest;

/// <summary>Measure the loss of micro-batches; the outcome is an <see cref="EvaluationOutcome"/>.</summary>
/// <param name="Batches">The micro-batches.</param>
[GenerateSerializer, Immutable, Alias("moe.request.evaluate")]
public sealed record EvaluateRequest([property: Id(0)] MicroBatch[] Batches) : WorkRequest;

/// <summary>Continue a text; the outcome is a <see cref="GenerationOutcome"/>.</summary>
/// <param name="Prompt">Tokens to continue, at least one.</param>
/// <param name="Count">Tokens to add.</param>
/// <param name="Temperature">Divides the logits; 0 takes the most likely token.</param>
/// <param name="Seed">Seed of the draws.</param>
[GenerateSerializer, Immutable, Alias("moe.request.generate")]
public sealed record GenerateRequest(
    [property: Id(0)] int[] Prompt, [property: Id(1)] int Count, [property: Id(2)] float Temperature, [property: Id(3)] ulong Seed) : WorkRequest;

/// <summary>Run rows through a layer that has no backbone; the outcome is a <see cref="ForwardOutcome"/>. The rows themselves never travel in a call.</summary>
/// <param name="Memory">Handle of the memory that the caller lends: rows to read, outputs to write.</param>
/// <param name="Rows">Rows of the call.</param>
/// <param name="Pass">Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</param>
/// <param name="AuxiliaryScale">Weight of the layer's auxiliary losses in the caller's loss.</param>
[GenerateSerializer, Immutable, Alias("moe.request.forward")]
public sealed record ForwardRequest(
    [property: Id(0)] Guid Memory, [property: Id(1)] int Rows, [property: Id(2)] int Pass, [property: Id(3)] float AuxiliaryScale) : WorkRequest;

/// <summary>Run gradients back through a layer that has no backbone; the outcome is a <see cref="BackwardOutcome"/>.</summary>
/// <param name="Memory">Handle of the memory that the caller lends: gradients of the outputs to read, of the rows to write.</param>
/// <param name="Pass">Number of the pass in the step, from 1.</param>
/// <param name="Forward">Handle of the memory of the forward that the gradients belong to.</param>
[GenerateSerializer, Immutable, Alias("moe.request.backward")]
public sealed record BackwardRequest([property: Id(0)] Guid Memory, [property: Id(1)] int Pass, [property: Id(2)] Guid Forward) : WorkRequest;

/// <summary>Move an expert to another worker between two steps; the outcome is an <see cref="ViewOutcome"/>.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Expert">The expert.</param>
/// <param name="Rank">Rank of the worker that is to hold it.</param>
[GenerateSerializer, Immutable, Alias("moe.request.move")]
public sealed record MoveRequest([property: Id(0)] int Layer, [property: Id(1)] int Expert, [property: Id(2)] int Rank) : WorkRequest;

/// <summary>Replace the routing policy of a layer between two steps; the outcome is a <see cref="GateOutcome"/>.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="From">The policy that the wish was made from. Where another is in force, nothing changes.</param>
/// <param name="Options">The policy wished for.</param>
[GenerateSerializer, Immutable, Alias("moe.request.gate")]
public sealed record ConfigureGateRequest([property: Id(0)] int Layer, [property: Id(1)] GateOptions From, [property: Id(2)] GateOptions Options) : WorkRequest;

/// <summary>Choose what travels in layers from the next step on; the outcome is a <see cref="ParallelismOutcome"/>.</summary>
/// <param name="Layer">The layer; null for every layer with experts.</param>
/// <param name="Parallelism">What travels.</param>
[GenerateSerializer, Immutable, Alias("moe.request.parallelism")]
public sealed record ConfigureParallelismRequest([property: Id(0)] int? Layer, [property: Id(2)] ParallelismChoice Parallelism) : WorkRequest;

/// <summary>
/// Have what travels in layers chosen by what steps take, from the next step on; the outcome is a <see cref="ParallelismOutcome"/>. A <see cref="ConfigureParallelismRequest"/> ends it.
/// </summary>
/// <param name="Layer">The layer; null for every layer with experts.</param>
[GenerateSerializer, Immutable, Alias("moe.request.parallelism.tune")]
public sealed record TuneParallelismRequest([property: Id(0)] int? Layer) : WorkRequest;

/// <summary>Let the placement follow the load from the next step on, or stop doing so; the outcome is a <see cref="DirectOutcome"/>.</summary>
/// <param name="Settings">How; null to stop.</param>
[GenerateSerializer, Immutable, Alias("moe.request.direct")]
public sealed record DirectRequest([property: Id(0)] DirectorSettings? Settings) : WorkRequest;

/// <summary>Write a checkpoint; the outcome is a <see cref="SaveOutcome"/>.</summary>
/// <param name="Place">The place, a path or a file: URI, which every silo resolves for itself.</param>
/// <param name="Cursor">What the caller wants back on resuming, such as a place in its data.</param>
/// <param name="Overwrite">Whether to replace what another model or another program has at the place.</param>
[GenerateSerializer, Immutable, Alias("moe.request.save")]
public sealed record SaveRequest([property: Id(0)] string Place, [property: Id(1)] string Cursor = "", [property: Id(2)] bool Overwrite = false) : WorkRequest;

/// <summary>Take a snapshot of the last step now, whenever the next one would be due; the outcome is a <see cref="SnapshotOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.snapshot")]
public sealed record SnapshotRequest : WorkRequest;

/// <summary>Take all experts from a silo and form views without it, or with it again; the outcome is a <see cref="ViewOutcome"/>.</summary>
/// <param name="Silo">Name of the silo.</param>
/// <param name="Drained">Whether it is to be without the run; else it takes part again.</param>
[GenerateSerializer, Immutable, Alias("moe.request.drain")]
public sealed record DrainRequest([property: Id(0)] string Silo, [property: Id(1)] bool Drained) : WorkRequest;

/// <summary>Hash all parameters; the outcome is a <see cref="FingerprintOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.fingerprint")]
public sealed record FingerprintRequest : WorkRequest;

/// <summary>Stop the run, with a snapshot, until somebody opens the model again; the outcome is a <see cref="StopOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.stop")]
public sealed record StopRequest : WorkRequest;

/// <summary>Say how far the model is once everything queued before is done; the outcome is a <see cref="ProgressOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.progress")]
public sealed record ProgressRequest : WorkRequest;
