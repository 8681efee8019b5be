using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Progress;

/// <summary>The state of a training run. Immutable, so that it can be shown on another thread.</summary>
internal sealed record TrainingProgress
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps to do; null when the run ends by time.</summary>
    public long? Steps { get; init; }

    /// <summary>Training loss in nats per token, of the last step or smoothed.</summary>
    public required double Loss { get; init; }

    /// <summary>Learning rate of the last step.</summary>
    public double LearningRate { get; init; }

    public double TokensPerSecond { get; init; }

    /// <summary>Training time so far.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Training time still to come; null while it is unknown.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>Mean over layers of the routers' entropy in the last step, nats; null without gates.</summary>
    public double? RouterEntropy { get; init; }

    /// <summary>Share of the last step's choices of an expert that found no slot.</summary>
    public double DroppedShare { get; init; }

    /// <summary>Tokens of the busiest worker over the mean in the last step, mean over the layers.</summary>
    public double Balance { get; init; } = 1;

    /// <summary>The same if experts were still where they were when the run began.</summary>
    public double BalanceAsBegun { get; init; } = 1;

    /// <summary>What the director sees and has done; null without one.</summary>
    public DirectorReport? Director { get; init; }

    public IReadOnlyList<string> Silos { get; init; } = [];

    /// <summary>Tokens that each expert of each silo received lately: one row per silo, one column per expert it holds.</summary>
    public IReadOnlyList<long[]> ExpertLoads { get; init; } = [];

    /// <summary>What has happened since the start, in order; it only grows.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The part of the run that is done, 0 to 1.</summary>
    public double Fraction =>
        Steps is { } steps ? Math.Clamp((double)Step / Math.Max(1, steps), 0, 1)
        : Remaining is { } remaining && Elapsed + remaining > TimeSpan.Zero ? Math.Clamp(Elapsed / (Elapsed + remaining), 0, 1)
        : 0;
}
