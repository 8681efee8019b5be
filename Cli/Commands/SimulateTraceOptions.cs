using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe simulate trace` is asked to do.</summary>
internal sealed record SimulateTraceOptions : ICommandOptions
{
    /// <summary>The trace.</summary>
    public TraceOptions Trace { get; init; } = new();

    /// <summary>Where to write it.</summary>
    public string Out { get; init; } = "";

    /// <inheritdoc />
    public void Validate() => OutputPath.RequireWritableFile("--out", Out);
}
