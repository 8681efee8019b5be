using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Let the placement follow the load from the next step on, or stop doing so; the outcome is a <see cref="DirectOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.direct")]
public sealed class DirectRequest : WorkRequest
{
    /// <summary>How; null to stop.</summary>
    [Id(0)]
    public DirectorSettings? Settings { get; init; }
}
