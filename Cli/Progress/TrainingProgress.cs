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

    /// <summary>Training loss since the start, in the order of steps.</summary>
    public IReadOnlyList<LossPoint> Losses { get; init; } = [];

    /// <summary>Loss on text that is not trained on, in the order of steps.</summary>
    public IReadOnlyList<LossPoint> Validations { get; init; } = [];

    /// <summary>The loss of a model that knows only how often each byte occurs; null where it is not known.</summary>
    public double? FrequencyLoss { get; init; }

    /// <summary>The first step whose loss was below <see cref="FrequencyLoss"/>; null before there is one.</summary>
    public long? FrequenciesPassed { get; init; }

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

    /// <summary>The silos that have workers.</summary>
    public IReadOnlyList<SiloShare> Silos { get; init; } = [];

    /// <summary>The layers that have experts.</summary>
    public IReadOnlyList<ExpertLayer> Layers { get; init; } = [];

    /// <summary>Experts that have lately come to other silos.</summary>
    public IReadOnlyList<MovedExpert> Moved { get; init; } = [];

    /// <summary>What the model wrote last; null before it has.</summary>
    public WrittenSample? Sample { get; init; }

    /// <summary>What has happened since the start, in order; it only grows.</summary>
    public IReadOnlyList<RunNote> Notes { get; init; } = [];

    /// <summary>The part of the run that is done, 0 to 1.</summary>
    public double Fraction =>
        Steps is { } steps ? Math.Clamp((double)Step / Math.Max(1, steps), 0, 1)
        : Remaining is { } remaining && Elapsed + remaining > TimeSpan.Zero ? Math.Clamp(Elapsed / (Elapsed + remaining), 0, 1)
        : 0;
}

/// <summary>A loss after a step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Loss">Nats per token.</param>
internal readonly record struct LossPoint(long Step, double Loss);

/// <summary>A silo and its part of the last step's work.</summary>
/// <param name="Name">The silo's name.</param>
/// <param name="Share">Its share of all tokens that experts took, 0 to 1.</param>
internal readonly record struct SiloShare(string Name, double Share);

/// <summary>The experts of a layer, in their order.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Experts">The experts.</param>
internal sealed record ExpertLayer(int Layer, IReadOnlyList<ExpertPlace> Experts);

/// <summary>How busy an expert is, and where it is.</summary>
/// <param name="Load">Its tokens in the last step, in multiples of its layer's mean.</param>
/// <param name="Silos">By replica: the index of its silo.</param>
internal readonly record struct ExpertPlace(double Load, IReadOnlyList<int> Silos);

/// <summary>An expert that has come to another silo, moved or copied.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Expert">The expert.</param>
/// <param name="At">When that became known.</param>
internal readonly record struct MovedExpert(int Layer, int Expert, DateTimeOffset At);

/// <summary>Text that the model wrote.</summary>
/// <param name="Step">The step after which it did.</param>
/// <param name="Prompt">The beginning, which was given.</param>
/// <param name="Text">How the model went on.</param>
internal sealed record WrittenSample(long Step, string Prompt, string Text);

/// <summary>Something that happened in a run, in one line.</summary>
/// <param name="Step">The last step before it.</param>
/// <param name="Text">What happened.</param>
/// <param name="IsDecision">Whether it is a decision of the director.</param>
internal readonly record struct RunNote(long Step, string Text, bool IsDecision = false)
{
    public override string ToString() => $"step {Step}: {Text}";
}
