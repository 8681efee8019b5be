namespace MoEActors.Cli.Commands;

/// <summary>What `moe simulate record` is asked to do.</summary>
internal sealed record SimulateRecordOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Files and folders of text; empty for those of the file, or the .NET documentation.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Steps to train.</summary>
    public int Steps { get; init; } = 400;

    /// <summary>Steps from one sample to the next.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Whether the text changes its subject half-way.</summary>
    public bool Turn { get; init; }

    /// <summary>Where to write the trace.</summary>
    public string Out { get; init; } = "";

    /// <inheritdoc />
    public void Validate()
    {
        OutputPath.RequireWritableFile("--out", Out);
        if (Every > Steps)
        {
            throw new UsageException($"--every {Every} is more than --steps {Steps}: no step would be sampled.");
        }
    }
}
