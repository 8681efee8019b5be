namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench planning` is asked to do.</summary>
internal sealed record BenchPlanningOptions : ICommandOptions
{
    /// <summary>Measured plans of each planner and shape; the median counts.</summary>
    public int Repetitions { get; init; } = 31;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
    }
}
