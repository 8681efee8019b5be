namespace MoEActors.Cli.Runs;

/// <summary>The state of a run: the file status.json of its folder.</summary>
internal sealed record RunStatus
{
    /// <summary>Name of the run: that of its folder, whatever the file says.</summary>
    public required string Name { get; init; }

    public required RunState State { get; init; }

    /// <summary>The error, when the run failed.</summary>
    public string? Error { get; init; }

    /// <summary>Why the run ended before its last step, when it did well; null when it did not.</summary>
    public string? Ending { get; init; }

    /// <summary>Committed steps.</summary>
    public required long Step { get; init; }

    /// <summary>Steps to do; 0 while it is being found out how many fit into the run's time.</summary>
    public required long Steps { get; init; }

    /// <summary>Smoothed training loss in nats per byte; null before the first step.</summary>
    public double? Loss { get; init; }

    public double? TokensPerSecond { get; init; }

    public required int Silos { get; init; }

    /// <summary>Device memory of each worker, in rank order; empty before the first step.</summary>
    public IReadOnlyList<WorkerUse> Memory { get; init; } = [];

    /// <summary>What travels in each layer with experts; empty before the first step.</summary>
    public IReadOnlyList<LayerTravel> Layers { get; init; } = [];

    /// <summary>Folder of the newest checkpoint, in the file as it is seen from the run's folder; null while there is none of this run.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Step of the checkpoint.</summary>
    public long? CheckpointStep { get; init; }

    /// <summary>What the director sees, and its last decisions; null without one.</summary>
    public DirectorReport? Director { get; init; }

    /// <summary>The process that runs it, or ran it.</summary>
    public required int Process { get; init; }

    public required string Machine { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>How far a run has come.</summary>
internal enum RunState
{
    /// <summary>At work.</summary>
    Running,

    /// <summary>At its end.</summary>
    Done,

    /// <summary>Ended by an error.</summary>
    Failed,

    /// <summary>Stopped by its user.</summary>
    Cancelled,
}

/// <summary>Device memory of one worker of a run, in bytes.</summary>
/// <param name="Used">What the device has allocated.</param>
/// <param name="Budget">What it may allocate.</param>
internal sealed record WorkerUse(long Used, long Budget);
