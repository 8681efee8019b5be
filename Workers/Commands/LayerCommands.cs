namespace MoEActors.Workers.Commands;

/// <summary>Run rows of the caller's through a layer that has no backbone. What belongs to them stays until their backward.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.layer.forward")]
public sealed class ForwardCommand : Command<ForwardReport>
{
    /// <summary>Handle of the memory that the caller lends: rows to read, outputs to write.</summary>
    [Id(0)] public required Guid Memory { get; init; }

    /// <summary>Rows of the call; micro-batch m of M has those from m·rows/M on.</summary>
    [Id(1)] public required int Rows { get; init; }

    /// <summary>Number of this forward and its backward in the step, from 1, which begins the step anew; 0 for evaluation alone.</summary>
    [Id(2)] public required int Pass { get; init; }

    /// <summary>The step that the pass is part of.</summary>
    [Id(3)] public required long Step { get; init; }

    /// <summary>Weight of the layer's auxiliary losses in the caller's loss.</summary>
    [Id(4)] public required float AuxiliaryScale { get; init; }
}

/// <summary>Rows have gone through a worker's part of a layer.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.layer.forward")]
public sealed class ForwardReport : WorkerReport
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
[GenerateSerializer, Immutable, Alias("moe.command.layer.backward")]
public sealed class BackwardCommand : Command<BackwardReport>
{
    /// <summary>Handle of the memory that the caller lends: gradients of the outputs to read, of the rows to write.</summary>
    [Id(0)] public required Guid Memory { get; init; }

    /// <summary>Number of the pass in the step, from 1.</summary>
    [Id(1)] public required int Pass { get; init; }

    /// <summary>Handle of the memory of the forward that the gradients belong to.</summary>
    [Id(2)] public required Guid Forward { get; init; }
}

/// <summary>Gradients have gone back through a worker's part of a layer.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.layer.backward")]
public sealed class BackwardReport : WorkerReport
{
    /// <summary>Why the pass was refused, empty where another worker knows; null when it was not.</summary>
    [Id(0)] public string? Refusal { get; init; }

    /// <summary>Managed bytes that the executor thread allocated during the work.</summary>
    [Id(1)] public long AllocatedBytes { get; init; }
}
