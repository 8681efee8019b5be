using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A batch to learn from.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.step")]
public sealed class StepRequest
{
    /// <summary>The step, from 1.</summary>
    [Id(0)] public required long Step { get; init; }

    /// <summary>All micro-batches of the step.</summary>
    [Id(1)] public required MicroBatch[] Batches { get; init; }

    /// <summary>Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</summary>
    [Id(2)] public Guid Forward { get; init; }
}

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
public abstract class WorkRequest;

/// <summary>Measure the loss of micro-batches; the outcome is an <see cref="EvaluationOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.evaluate")]
public sealed class EvaluateRequest : WorkRequest
{
    /// <summary>The micro-batches.</summary>
    [Id(0)] public required MicroBatch[] Batches { get; init; }
}

/// <summary>Continue a text; the outcome is a <see cref="GenerationOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.generate")]
public sealed class GenerateRequest : WorkRequest
{
    /// <summary>Tokens to continue, at least one.</summary>
    [Id(0)] public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)] public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)] public float Temperature { get; init; } = 1f;

    /// <summary>Seed of the draws.</summary>
    [Id(3)] public ulong Seed { get; init; } = 1;
}

/// <summary>Run rows through a layer that has no backbone; the outcome is a <see cref="ForwardOutcome"/>. The rows themselves never travel in a call.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.forward")]
public sealed class ForwardRequest : WorkRequest
{
    /// <summary>Handle of the memory that the caller lends: rows to read, outputs to write.</summary>
    [Id(0)] public required Guid Memory { get; init; }

    /// <summary>Rows of the call.</summary>
    [Id(1)] public required int Rows { get; init; }

    /// <summary>Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</summary>
    [Id(2)] public required int Pass { get; init; }

    /// <summary>Weight of the layer's auxiliary losses in the caller's loss.</summary>
    [Id(3)] public float AuxiliaryScale { get; init; } = 1f;
}

/// <summary>Run gradients back through a layer that has no backbone; the outcome is a <see cref="BackwardOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.backward")]
public sealed class BackwardRequest : WorkRequest
{
    /// <summary>Handle of the memory that the caller lends: gradients of the outputs to read, of the rows to write.</summary>
    [Id(0)] public required Guid Memory { get; init; }

    /// <summary>Number of the pass in the step, from 1.</summary>
    [Id(1)] public required int Pass { get; init; }

    /// <summary>Handle of the memory of the forward that the gradients belong to.</summary>
    [Id(2)] public required Guid Forward { get; init; }
}

/// <summary>Move an expert to another worker between two steps; the outcome is an <see cref="ViewOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.move")]
public sealed class MoveRequest : WorkRequest
{
    /// <summary>The layer.</summary>
    [Id(0)] public required int Layer { get; init; }

    /// <summary>The expert.</summary>
    [Id(1)] public required int Expert { get; init; }

    /// <summary>Rank of the worker that is to hold it.</summary>
    [Id(2)] public required int Rank { get; init; }
}

/// <summary>Replace the routing policy of a layer between two steps; the outcome is a <see cref="GateOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.gate")]
public sealed class ConfigureGateRequest : WorkRequest
{
    /// <summary>The layer.</summary>
    [Id(0)] public required int Layer { get; init; }

    /// <summary>The policy that the wish was made from. Where another is in force, nothing changes.</summary>
    [Id(1)] public required GateOptions From { get; init; }

    /// <summary>The policy wished for.</summary>
    [Id(2)] public required GateOptions Options { get; init; }
}

/// <summary>Let the placement follow the load from the next step on, or stop doing so; the outcome is a <see cref="DirectOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.direct")]
public sealed class DirectRequest : WorkRequest
{
    /// <summary>How; null to stop.</summary>
    [Id(0)] public DirectorSettings? Settings { get; init; }
}

/// <summary>Write a checkpoint; the outcome is a <see cref="SaveOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.save")]
public sealed class SaveRequest : WorkRequest
{
    /// <summary>The place, a path or a file: URI, which every silo resolves for itself.</summary>
    [Id(0)] public required string Place { get; init; }

    /// <summary>What the caller wants back on resuming, such as a place in its data.</summary>
    [Id(1)] public string Cursor { get; init; } = "";
}

/// <summary>Hash all parameters; the outcome is a <see cref="FingerprintOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.fingerprint")]
public sealed class FingerprintRequest : WorkRequest;

/// <summary>Say how far the model is once everything queued before is done; the outcome is a <see cref="ProgressOutcome"/>.</summary>
[GenerateSerializer, Immutable, Alias("moe.request.progress")]
public sealed class ProgressRequest : WorkRequest;
