namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench director` is asked to do.</summary>
internal sealed record BenchDirectorOptions : ICommandOptions
{
    /// <summary>Steps of each model before those that are measured.</summary>
    public int Warmup { get; init; } = 4;

    /// <summary>Measured steps of each model.</summary>
    public int Steps { get; init; } = 8;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves the director nothing to do.");
        }
    }
}
