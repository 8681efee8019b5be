namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench switch` is asked to do.</summary>
internal sealed record BenchSwitchOptions : ICommandOptions
{
    /// <summary>Changes of placement.</summary>
    public int Switches { get; init; } = 60;

    /// <summary>Steps from one change to the next.</summary>
    public int Every { get; init; } = 4;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of a line.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves no other worker to move an expert to.");
        }

        // A change disturbs two steps, and the one to compare with must not be where the next may land.
        if (Every < 4)
        {
            throw new UsageException($"--every {Every} leaves no steps to compare with; at least 4 are needed.");
        }
    }
}
