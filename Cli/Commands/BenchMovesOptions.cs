namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench moves` is asked to do.</summary>
internal sealed record BenchMovesOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 120;

    /// <summary>Steps from one move to the next.</summary>
    public int Every { get; init; } = 5;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves no other worker to move an expert to.");
        }

        // A move, the two steps it may disturb, and a quiet one to compare with.
        if (Every < 3 || Steps < 2 * Every + 3)
        {
            throw new UsageException($"--every {Every} and --steps {Steps} leave no quiet steps to compare with; at least 3, and three more than twice that, are needed.");
        }
    }
}
