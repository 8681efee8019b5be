namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench gemm` is asked to do.</summary>
internal sealed record BenchGemmOptions : ICommandOptions
{
    /// <summary>Whether to print one JSON object instead of a table.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
    }
}
