namespace MoEActors.Grains.Interfaces.Training;

/// <summary>The outcome of work.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome")]
public abstract class WorkOutcome;

/// <summary>An epoch is open.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.epoch")]
public sealed class EpochOutcome : WorkOutcome
{
    /// <summary>The epoch.</summary>
    [Id(0)]
    public required long Epoch { get; init; }

    /// <summary>Number of workers.</summary>
    [Id(1)]
    public required int Workers { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(2)]
    public required long Step { get; init; }
}

/// <summary>A step is committed.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.step")]
public sealed class StepOutcome : WorkOutcome
{
    /// <summary>The step, from 1.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>Mean cross-entropy of the predicted tokens (nats) plus auxiliary losses.</summary>
    [Id(1)]
    public required double Loss { get; init; }

    /// <summary>Mean cross-entropy alone, nats per token.</summary>
    [Id(2)]
    public required double CrossEntropy { get; init; }

    /// <summary>Weighted auxiliary losses, mean over micro-batches.</summary>
    [Id(3)]
    public required double Auxiliary { get; init; }

    /// <summary>Norm of the gradient before clipping.</summary>
    [Id(4)]
    public required double GradientNorm { get; init; }

    /// <summary>Learning rate of the update.</summary>
    [Id(5)]
    public required double LearningRate { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(6)]
    public required long Tokens { get; init; }

    /// <summary>Seconds from the first command to the decision.</summary>
    [Id(7)]
    public required double Seconds { get; init; }

    /// <summary>By layer and expert: tokens that found a slot.</summary>
    [Id(8)]
    public required long[][] KeptTokens { get; init; }

    /// <summary>By layer and expert: tokens that chose it.</summary>
    [Id(9)]
    public required long[][] ChosenTokens { get; init; }

    /// <summary>Managed bytes that executor threads allocated between prepare and prepared.</summary>
    [Id(10)]
    public required long ExecutorAllocatedBytes { get; init; }
}

/// <summary>The loss of an evaluation.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.evaluation")]
public sealed class EvaluationOutcome : WorkOutcome
{
    /// <summary>Mean cross-entropy, nats per predicted token.</summary>
    [Id(0)]
    public required double Loss { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(1)]
    public required long Tokens { get; init; }
}

/// <summary>A text that goes on.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.generation")]
public sealed class GenerationOutcome : WorkOutcome
{
    /// <summary>The new tokens.</summary>
    [Id(0)]
    public required int[] Tokens { get; init; }
}

/// <summary>A checkpoint is on disk.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.save")]
public sealed class SaveOutcome : WorkOutcome
{
    /// <summary>The folder.</summary>
    [Id(0)]
    public required string Folder { get; init; }

    /// <summary>Bytes of tensors.</summary>
    [Id(1)]
    public required long Bytes { get; init; }
}

/// <summary>The hash of all parameters.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.outcome.fingerprint")]
public sealed class FingerprintOutcome : WorkOutcome
{
    /// <summary>Hash over all blocks in canonical order.</summary>
    [Id(0)]
    public required ulong Hash { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(1)]
    public required long Step { get; init; }
}
