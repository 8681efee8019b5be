using Orleans.Concurrency;

namespace MoEActors.Grains.Interfaces.Telemetry;

/// <summary>
/// What there is to see of a run while it trains: steps, the load of its experts, and what has happened. The coordinator keeps the last of it in memory for
/// whoever asks, at most a few times a second; nobody who asks holds a step up. Key: the model's name.
/// </summary>
[Alias("moe.IRunFeedGrain")]
public interface IRunFeedGrain : IGrainWithStringKey
{
    /// <summary>What is new since a position.</summary>
    /// <param name="position">Where the reader is: <see cref="RunNews.Position"/> of what it has read last, or the default for all that is kept.</param>
    /// <exception cref="Errors.ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="Errors.InvalidRequestException">It is being deleted.</exception>
    [Alias("read")]
    [ResponseTimeout("00:00:05")]
    [AlwaysInterleave]
    [ReadOnly]
    Task<RunNews> ReadAsync(FeedPosition position);
}

/// <summary>How far a reader of a feed has come.</summary>
/// <param name="Feed">The feed; a coordinator that takes over begins another one.</param>
/// <param name="Step">Number in the feed of the last step that was read.</param>
/// <param name="Note">Number in the feed of the last note that was read.</param>
/// <param name="View">The view whose placement was read.</param>
[GenerateSerializer, Immutable, Alias("moe.feed.position")]
public readonly record struct FeedPosition(
    [property: Id(0)] Guid Feed, [property: Id(1)] long Step, [property: Id(2)] long Note, [property: Id(3)] long View);
