using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Commands;

/// <summary>Run rows of the caller's through a layer that has no backbone. What belongs to them stays until their backward.</summary>
/// <param name="Memory">Handle of the memory that the caller lends: rows to read, outputs to write.</param>
/// <param name="Rows">Rows of the call; micro-batch m of M has those from m·rows/M on.</param>
/// <param name="Pass">Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</param>
/// <param name="Step">The step that the pass is part of.</param>
/// <param name="AuxiliaryScale">Weight of the layer's auxiliary losses in the caller's loss.</param>
[GenerateSerializer, Immutable, Alias("moe.command.layer.forward")]
public sealed record ForwardCommand(
    [property: Id(0)] Guid Memory, [property: Id(1)] int Rows, [property: Id(2)] int Pass, [property: Id(3)] long Step, [property: Id(4)] float AuxiliaryScale)
    : Command<ForwardReport>
{
    /// <summary>What travels in the passes of a step; its first one sets it.</summary>
    [Id(7)] public ParallelismChoice Parallelism { get; init; } = ParallelismChoice.ExpertParallel;

    /// <summary>What transient copies cost and save, alike on every host; null where there are none.</summary>
    [Id(6)] public CopyCoefficients? Copies { get; init; }
}

/// <summary>Rows have gone through a worker's part of a layer.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.layer.forward")]
public sealed record ForwardReport : WorkerReport
{
    /// <summary>Why the pass was refused, empty where another worker knows; null when it was not.</summary>
    [Id(0)] public string? Refusal { get; init; }

    /// <summary>Losses of its micro-batches.</summary>
    [Id(1)] public LossPart[] Losses { get; init; } = [];

    /// <summary>By expert: tokens of its micro-batches that found a slot.</summary>
    [Id(2)] public long[] KeptTokens { get; init; } = [];

    /// <summary>By expert: tokens of its micro-batches that chose it.</summary>
    [Id(3)] public long[] ChosenTokens { get; init; } = [];

    /// <summary>Managed bytes that the executor thread allocated during the work.</summary>
    [Id(4)] public long AllocatedBytes { get; init; }
}

/// <summary>Run the gradients of the last forward's outputs back through a layer that has no backbone, and add to those of the step.</summary>
/// <param name="Memory">Handle of the memory that the caller lends: gradients of the outputs to read, of the rows to write.</param>
/// <param name="Pass">Number of the pass in the step, from 1.</param>
/// <param name="Forward">Handle of the memory of the forward that the gradients belong to.</param>
[GenerateSerializer, Immutable, Alias("moe.command.layer.backward")]
public sealed record BackwardCommand([property: Id(0)] Guid Memory, [property: Id(1)] int Pass, [property: Id(2)] Guid Forward) : Command<BackwardReport>;

/// <summary>Gradients have gone back through a worker's part of a layer.</summary>
/// <param name="Refusal">Why the pass was refused, empty where another worker knows; null when it was not.</param>
/// <param name="AllocatedBytes">Managed bytes that the executor thread allocated during the work.</param>
[GenerateSerializer, Immutable, Alias("moe.report.layer.backward")]
public sealed record BackwardReport([property: Id(0)] string? Refusal, [property: Id(1)] long AllocatedBytes) : WorkerReport;
