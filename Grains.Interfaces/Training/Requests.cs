using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A placement wished for: silos in rank order and the rank of every expert.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.placement")]
public sealed class PlacementRequest
{
    /// <summary>Names of the silos that take part, in rank order; empty for all living ones, ordered by name.</summary>
    [Id(0)]
    public string[] Silos { get; init; } = [];

    /// <summary>By layer and expert: the rank; empty for the static placement.</summary>
    [Id(1)]
    public int[][] Ranks { get; init; } = [];
}

/// <summary>A batch to learn from.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.step")]
public sealed class StepRequest
{
    /// <summary>The step, from 1.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>All micro-batches of the step.</summary>
    [Id(1)]
    public required MicroBatchMessage[] Batches { get; init; }
}

/// <summary>Work of the whole cluster besides steps.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.work")]
public abstract class WorkRequest;

/// <summary>Measure the loss of micro-batches; the outcome is an <see cref="EvaluationOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.evaluate")]
public sealed class EvaluateRequest : WorkRequest
{
    /// <summary>The micro-batches.</summary>
    [Id(0)]
    public required MicroBatchMessage[] Batches { get; init; }
}

/// <summary>Continue a text; the outcome is a <see cref="GenerationOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.generate")]
public sealed class GenerateRequest : WorkRequest
{
    /// <summary>Tokens to continue, at least one.</summary>
    [Id(0)]
    public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)]
    public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)]
    public float Temperature { get; init; } = 1f;

    /// <summary>Seed of the draws.</summary>
    [Id(3)]
    public ulong Seed { get; init; } = 1;
}

/// <summary>Write a checkpoint; the outcome is a <see cref="SaveOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.save")]
public sealed class SaveRequest : WorkRequest
{
    /// <summary>The folder, as every silo sees it.</summary>
    [Id(0)]
    public required string Folder { get; init; }
}

/// <summary>Hash all parameters; the outcome is a <see cref="FingerprintOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.fingerprint")]
public sealed class FingerprintRequest : WorkRequest;
