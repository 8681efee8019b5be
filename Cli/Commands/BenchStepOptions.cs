namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench step` is asked to do.</summary>
internal sealed record BenchStepOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 300;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
    }
}
