namespace MoEActors.Cli.Commands;

/// <summary>What `moe doctor` is asked to do.</summary>
internal sealed record DoctorOptions : ICommandOptions
{
    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
    }
}
