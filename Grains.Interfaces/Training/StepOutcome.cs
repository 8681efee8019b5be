using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>A step is committed.</summary>
[GenerateSerializer, Immutable, Alias("moe.outcome.step")]
public sealed record StepOutcome : WorkOutcome
{
    /// <summary>The step, from 1.</summary>
    [Id(0)] public required long Step { get; init; }

    /// <summary>Mean cross-entropy of the predicted tokens (nats) plus auxiliary losses.</summary>
    [Id(1)] public required double Loss { get; init; }

    /// <summary>Mean cross-entropy alone, nats per token.</summary>
    [Id(2)] public required double CrossEntropy { get; init; }

    /// <summary>Weighted auxiliary losses, mean over micro-batches.</summary>
    [Id(3)] public required double Auxiliary { get; init; }

    /// <summary>Norm of the gradient before clipping.</summary>
    [Id(4)] public required double GradientNorm { get; init; }

    /// <summary>Learning rate of the update.</summary>
    [Id(5)] public required double LearningRate { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(6)] public required long Tokens { get; init; }

    /// <summary>Seconds from the first command to the decision.</summary>
    [Id(7)] public required double Seconds { get; init; }

    /// <summary>By layer and expert: tokens that found a slot.</summary>
    [Id(8)] public required long[][] KeptTokens { get; init; }

    /// <summary>By layer and expert: tokens that chose it.</summary>
    [Id(9)] public required long[][] ChosenTokens { get; init; }

    /// <summary>Managed bytes that executor threads allocated between prepare and prepared.</summary>
    [Id(10)] public required long ExecutorAllocatedBytes { get; init; }

    /// <summary>What <see cref="Auxiliary"/> is made of, by name.</summary>
    [Id(11)] public NamedLoss[] AuxiliaryLosses { get; init; } = [];

    /// <summary>By layer: mean over its tokens of the entropy of the router's probabilities, nats, from 0 to ln E; 0 for a dense layer.</summary>
    [Id(12)] public double[] RouterEntropy { get; init; } = [];

    /// <summary>Tells which batch was learnt: a hash of its token ids.</summary>
    [Id(13)] public ulong BatchDigest { get; init; }

    /// <summary>Predicted tokens per second of <see cref="Seconds"/>.</summary>
    public double TokensPerSecond => Tokens / Seconds;

    /// <summary>By layer and expert: tokens that chose it and found no slot.</summary>
    public long[][] DroppedTokens => [.. ChosenTokens.Zip(KeptTokens, (chosen, kept) => chosen.Zip(kept, (c, k) => c - k).ToArray())];

    /// <summary>In rank order: where each worker's time went since it had prepared the step before.</summary>
    [Id(20)] public WorkerTiming[] Timings { get; init; } = [];

    /// <summary>Shards that came to another worker beside this step, where they are from the next one on.</summary>
    [Id(21)] public int ShardsMoved { get; init; }

    /// <summary>Number of the cluster view that learnt it: greater than that of the step before when members or placement have changed in between.</summary>
    [Id(22)] public long View { get; init; }

    /// <summary>
    /// By layer: copies of experts that went to workers which do not hold them, for a pass of this step; of a layer that is computed again, again. Empty where
    /// experts stayed where they are in all layers.
    /// </summary>
    [Id(23)] public int[] TransientCopies { get; init; } = [];

    /// <summary>Bytes of rows that workers sent each other in its exchanges, forward and backward.</summary>
    public long ExchangeBytes => Timings.Sum(timing => timing.SentBytes);

    /// <summary>Mean over the workers of their seconds by phase; <see cref="PhaseSeconds.Idle"/> is what the control plane took.</summary>
    public PhaseSeconds MeanPhases => PhaseSeconds.Mean([.. Timings.Select(timing => timing.Elapsed)]);

    /// <summary>The rank that computed longest, by processor time; −1 when nothing was timed.</summary>
    public int SlowestRank => Timings.Length == 0 ? -1 : Enumerable.Range(0, Timings.Length).MaxBy(rank => Timings[rank].ProcessorSeconds);
}
