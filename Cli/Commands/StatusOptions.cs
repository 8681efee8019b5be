namespace MoEActors.Cli.Commands;

/// <summary>What `moe status` is asked to do.</summary>
internal sealed record StatusOptions : ICommandOptions
{
    /// <summary>Name of the run; null for all of them.</summary>
    public string? Name { get; init; }

    /// <summary>Folder that holds the runs.</summary>
    public required string Runs { get; init; }

    /// <summary>Whether to print JSON: an object for one run, a list for all.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (Name is not null)
        {
            OutputPath.RequireRunName("NAME", Name);
        }
    }
}
