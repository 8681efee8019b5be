namespace MoEActors.Cli.Commands;

/// <summary>What `moe resume` is asked to do.</summary>
internal sealed record ResumeOptions : ICommandOptions
{
    /// <summary>Name of the run; null when <see cref="Checkpoint"/> is given.</summary>
    public string? Name { get; init; }

    /// <summary>Folder of the checkpoint; null when <see cref="Name"/> is given.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Folder that holds the runs.</summary>
    public required string Runs { get; init; }

    /// <summary>The step to stop after, those done included; null for what the run was asked for.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time at most; null for no limit.</summary>
    public double? Seconds { get; init; }

    /// <summary>Files and folders of other text; empty for the run's own.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos; null for as many as before.</summary>
    public int? Silos { get; init; }

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        if (Name is null == Checkpoint is null)
        {
            throw new UsageException(Name is null ? "the NAME of a run or --checkpoint FOLDER must be given." : "NAME and --checkpoint exclude each other.");
        }

        if (Name is not null)
        {
            OutputPath.RequireRunName("NAME", Name);
        }
    }
}
