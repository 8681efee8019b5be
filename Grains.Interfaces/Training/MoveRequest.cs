namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Move an expert to another worker between two steps; the outcome is an <see cref="EpochOutcome"/>.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.request.move")]
public sealed class MoveRequest : WorkRequest
{
    /// <summary>The layer.</summary>
    [Id(0)]
    public required int Layer { get; init; }

    /// <summary>The expert.</summary>
    [Id(1)]
    public required int Expert { get; init; }

    /// <summary>Rank of the worker that is to hold it.</summary>
    [Id(2)]
    public required int Rank { get; init; }
}
