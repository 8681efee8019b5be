namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench layer` is asked to do.</summary>
internal sealed record BenchLayerOptions : ICommandOptions
{
    /// <summary>Tokens per step, on all workers together.</summary>
    public int Tokens { get; init; } = 4096;

    /// <summary>Width of the model.</summary>
    public int ModelDimension { get; init; } = 512;

    /// <summary>Width of an expert's hidden layer.</summary>
    public int Hidden { get; init; } = 1024;

    /// <summary>Number of experts.</summary>
    public int Experts { get; init; } = 16;

    /// <summary>Experts that a token is sent to.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Workers, one thread and one micro-batch each.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Measured steps; the median counts.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>Whether to print one JSON object instead of a table.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (TopK > Experts)
        {
            throw new UsageException($"--top-k {TopK} is more than --experts {Experts}.");
        }

        if (Tokens % Workers != 0)
        {
            throw new UsageException($"--tokens {Tokens} is no multiple of --workers {Workers}.");
        }
    }
}
