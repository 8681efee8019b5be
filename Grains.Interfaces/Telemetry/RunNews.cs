using MoEActors.Modules.Timing;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Interfaces.Telemetry;

/// <summary>What is new in a run.</summary>
[GenerateSerializer, Immutable, Alias("moe.feed.news")]
public sealed record RunNews
{
    /// <summary>Where to go on from.</summary>
    [Id(0)] public required FeedPosition Position { get; init; }

    /// <summary>Committed steps.</summary>
    [Id(1)] public required long Step { get; init; }

    /// <summary>The view; 0 when none is open.</summary>
    [Id(2)] public required long View { get; init; }

    /// <summary>Members and placement, where they are others than those of the position; null where they are the same or no view is open.</summary>
    [Id(3)] public PlacementMap? Map { get; init; }

    /// <summary>What the workers compute on: <c>cpu</c> or <c>cuda</c>.</summary>
    [Id(4)] public string Device { get; init; } = "";

    /// <summary>The new steps that are kept, oldest first.</summary>
    [Id(5)] public StepNote[] Steps { get; init; } = [];

    /// <summary>The loads of the last of these steps, oldest first: as many as a load window has.</summary>
    [Id(6)] public StepLoadNote[] Loads { get; init; } = [];

    /// <summary>What else has happened, oldest first.</summary>
    [Id(7)] public FeedNote[] Notes { get; init; } = [];
}

/// <summary>A committed step in short.</summary>
[GenerateSerializer, Immutable, Alias("moe.feed.step")]
public sealed record StepNote
{
    /// <summary>Its number in the feed, from 1.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>When it was decided.</summary>
    [Id(1)] public required DateTimeOffset Time { get; init; }

    /// <summary>The step, from 1.</summary>
    [Id(2)] public required long Step { get; init; }

    /// <summary>Mean cross-entropy (nats per token) plus auxiliary losses.</summary>
    [Id(3)] public required double Loss { get; init; }

    /// <summary>Mean cross-entropy alone, nats per token.</summary>
    [Id(4)] public required double CrossEntropy { get; init; }

    /// <summary>Norm of the gradient before clipping.</summary>
    [Id(5)] public required double GradientNorm { get; init; }

    /// <summary>Learning rate of the update.</summary>
    [Id(6)] public required double LearningRate { get; init; }

    /// <summary>Predicted tokens.</summary>
    [Id(7)] public required long Tokens { get; init; }

    /// <summary>Seconds from the first command to the decision.</summary>
    [Id(8)] public required double Seconds { get; init; }

    /// <summary>Choices of an expert in all layers.</summary>
    [Id(9)] public required long ChosenTokens { get; init; }

    /// <summary>Those of them that found no slot.</summary>
    [Id(10)] public required long DroppedTokens { get; init; }

    /// <summary>Bytes of rows that workers sent each other, forward and backward.</summary>
    [Id(11)] public required long ExchangeBytes { get; init; }
}

/// <summary>What the gates routed in a step, and where its time went.</summary>
[GenerateSerializer, Immutable, Alias("moe.feed.load")]
public sealed record StepLoadNote
{
    /// <summary>The step.</summary>
    [Id(0)] public required long Step { get; init; }

    /// <summary>The view that learnt it.</summary>
    [Id(1)] public required long View { get; init; }

    /// <summary>By layer and expert: tokens that reached it.</summary>
    [Id(2)] public required long[][] Kept { get; init; }

    /// <summary>By layer and expert: tokens that chose it; null where all of them reached it.</summary>
    [Id(3)] public long[][]? Chosen { get; init; }

    /// <summary>In rank order: where each worker's time went; empty but for the last step.</summary>
    [Id(4)] public WorkerTiming[] Timings { get; init; } = [];

    /// <summary>By layer: mean entropy of the router's probabilities, nats.</summary>
    [Id(5)] public double[] RouterEntropy { get; init; } = [];

    /// <summary>By layer: copies of experts that were made for the passes of the step; empty where there were none.</summary>
    [Id(6)] public int[] TransientCopies { get; init; } = [];
}

/// <summary>What a note is about.</summary>
public enum FeedNoteKind
{
    /// <summary>Members have formed a view, or a view has ended.</summary>
    View,

    /// <summary>Something went wrong.</summary>
    Failure,

    /// <summary>What a failure has cost was made up for.</summary>
    Recovery,

    /// <summary>Experts are elsewhere, or were to be.</summary>
    Placement,

    /// <summary>A checkpoint was written.</summary>
    Checkpoint,

    /// <summary>A gate, or the director, has other settings.</summary>
    Settings,
}

/// <summary>Something that has happened to a run besides steps.</summary>
/// <param name="Number">Its number in the feed, from 1.</param>
/// <param name="Time">When.</param>
/// <param name="Step">Committed steps then.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Text">What happened, in a sentence. Silos are named by their addresses.</param>
[GenerateSerializer, Immutable, Alias("moe.feed.note")]
public sealed record FeedNote(
    [property: Id(0)] long Number, [property: Id(1)] DateTimeOffset Time, [property: Id(2)] long Step, [property: Id(3)] FeedNoteKind Kind, [property: Id(4)] string Text);
