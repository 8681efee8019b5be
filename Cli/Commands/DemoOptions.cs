namespace MoEActors.Cli.Commands;

/// <summary>What `moe demo` is asked to do.</summary>
internal sealed record DemoOptions : ICommandOptions
{
    /// <summary>Whether the placement follows the load.</summary>
    public bool Director { get; init; } = true;

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Training time; not used when <see cref="Steps"/> is set.</summary>
    public double Seconds { get; init; } = 120;

    /// <summary>Exact number of training steps; null to train for <see cref="Seconds"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Seed of everything that is random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Folder of the run.</summary>
    public string Output { get; init; } = Path.Combine("runs", "demo");

    /// <inheritdoc />
    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        if (File.Exists(Output))
        {
            throw new UsageException($"--output {Output} is a file; a folder is needed.");
        }
    }
}
