using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The outcome of work.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome")]
public abstract class WorkOutcome;

/// <summary>A view is open.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.epoch")]
public sealed class ViewOutcome : WorkOutcome
{
    /// <summary>The view.</summary>
    [Id(0)] public required long View { get; init; }

    /// <summary>Number of workers.</summary>
    [Id(1)] public required int Workers { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(2)] public required long Step { get; init; }

    /// <summary>What was saved as the caller's cursor with the checkpoint that the model was restored from; empty for none.</summary>
    [Id(3)] public string Cursor { get; init; } = "";
}

/// <summary>The loss of an evaluation.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.evaluation")]
public sealed class EvaluationOutcome : WorkOutcome
{
    /// <summary>Mean cross-entropy, nats per predicted token.</summary>
    [Id(0)] public required double Loss { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(1)] public required long Tokens { get; init; }
}

/// <summary>A text that goes on.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.generation")]
public sealed class GenerationOutcome : WorkOutcome
{
    /// <summary>The new tokens.</summary>
    [Id(0)] public required int[] Tokens { get; init; }
}

/// <summary>Rows have gone through a layer.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.forward")]
public sealed class ForwardOutcome : WorkOutcome
{
    /// <summary>Weighted balance and z-loss of the gate, mean over micro-batches: the layer's part of the caller's loss.</summary>
    [Id(0)] public required double Auxiliary { get; init; }

    /// <summary>By expert: tokens that found a slot.</summary>
    [Id(1)] public required long[] KeptTokens { get; init; }

    /// <summary>By expert: tokens that chose it.</summary>
    [Id(2)] public required long[] ChosenTokens { get; init; }
}

/// <summary>Gradients have gone back through a layer.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.backward")]
public sealed class BackwardOutcome : WorkOutcome
{
    /// <summary>Pairs of forward and backward that the step has so far.</summary>
    [Id(0)] public required int Passes { get; init; }
}

/// <summary>The routing policy of a layer after a request to replace it.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.gate")]
public sealed class GateOutcome : WorkOutcome
{
    /// <summary>The policy in force on every worker, and the first step that follows it.</summary>
    [Id(0)] public required GatePolicy Policy { get; init; }
}

/// <summary>The director has its settings.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.direct")]
public sealed class DirectOutcome : WorkOutcome
{
    /// <summary>What the cluster was measured to do, now or before; null when that was never needed.</summary>
    [Id(0)] public ClusterCalibration? Calibration { get; init; }
}

/// <summary>A checkpoint is on disk.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.save")]
public sealed class SaveOutcome : WorkOutcome
{
    /// <summary>The folder, as the coordinator's silo has it.</summary>
    [Id(0)] public required string Folder { get; init; }

    /// <summary>Bytes of tensors.</summary>
    [Id(1)] public required long Bytes { get; init; }
}

/// <summary>The hash of all parameters.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.fingerprint")]
public sealed class FingerprintOutcome : WorkOutcome
{
    /// <summary>Hash over all blocks in canonical order.</summary>
    [Id(0)] public required ulong Hash { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(1)] public required long Step { get; init; }
}

/// <summary>How far a model is.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.progress")]
public sealed class ProgressOutcome : WorkOutcome
{
    /// <summary>Committed steps.</summary>
    [Id(0)] public required long Step { get; init; }
}
