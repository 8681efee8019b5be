namespace MoEActors.Cli.Commands;

/// <summary>What `moe estimate` is asked to do.</summary>
internal sealed record EstimateOptions : ICommandOptions
{
    /// <summary>The configuration, as for `moe train`.</summary>
    public required string Config { get; init; }

    /// <summary>Number of workers; null for the silos of the file.</summary>
    public int? Workers { get; init; }

    /// <summary>Layers that are computed again in backward; null for what the file says.</summary>
    public string? Recompute { get; init; }

    /// <summary>Whether to print JSON.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
    }
}
