using Orleans.Concurrency;

namespace MoEActors.Grains.Protocol;

/// <summary>What the gates routed in a committed step.</summary>
[GenerateSerializer, Immutable, Alias("moe.director.load")]
public sealed class StepLoad
{
    /// <summary>The step.</summary>
    [Id(0)] public required long Step { get; init; }

    /// <summary>The view that is open after it.</summary>
    [Id(1)] public required long View { get; init; }

    /// <summary>Raised by every change of the director's settings.</summary>
    [Id(2)] public required long Revision { get; init; }

    /// <summary>By layer and expert: tokens that reached it.</summary>
    [Id(3)] public required long[][] Tokens { get; init; }

    /// <summary>By layer: tokens dropped for want of capacity.</summary>
    [Id(4)] public required long[] Dropped { get; init; }

    /// <summary>Number of the decision that is being applied; 0 for none.</summary>
    [Id(6)] public long Applying { get; init; }

    /// <summary>What went elsewhere beside the step; null when nothing did.</summary>
    [Id(7)] public PlacementMoved? Moved { get; init; }

    /// <summary>
    /// By layer: seconds of processor time that the slowest worker spent in its exchange and experts - own work, without waiting for others; empty
    /// where they were not measured.
    /// </summary>
    [Id(5)] public double[] LayerSeconds { get; init; } = [];
}

/// <summary>A change of placement that has been committed.</summary>
/// <param name="From">The view before.</param>
/// <param name="Layers">The layers that changed, as they are now.</param>
/// <param name="FreeBytes">By rank: memory that no model has.</param>
[GenerateSerializer, Immutable, Alias("moe.director.moved")]
public sealed record PlacementMoved([property: Id(0)] long From, [property: Id(1)] LayerProposal[] Layers, [property: Id(2)] long[] FreeBytes);

/// <summary>A plan that the director asks the coordinator to carry out.</summary>
[GenerateSerializer, Immutable, Alias("moe.director.proposal")]
public sealed class PlanProposal
{
    /// <summary>Number of the decision.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>The view whose placement it was made for.</summary>
    [Id(1)] public required long View { get; init; }

    /// <summary>The layers that change, the most rewarding first.</summary>
    [Id(2)] public required LayerProposal[] Layers { get; init; }

    /// <summary>Bytes that may move during one training step; one shard always may.</summary>
    [Id(3)] public required long BytesPerStep { get; init; }
}

/// <summary>Where a plan wants the experts of one layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Ranks">By expert: the ranks of its replicas, ascending.</param>
[GenerateSerializer, Immutable, Alias("moe.director.layer")]
public sealed record LayerProposal([property: Id(0)] int Layer, [property: Id(1)] int[][] Ranks);

/// <summary>What the coordinator says to a plan.</summary>
/// <param name="Refusal">Why it is refused; null when it is taken.</param>
/// <param name="Step">The last step that was committed before it was taken.</param>
[GenerateSerializer, Immutable, Alias("moe.director.answer")]
public readonly record struct ProposalAnswer([property: Id(0)] string? Refusal, [property: Id(1)] long Step);

/// <summary>How a plan ended.</summary>
/// <param name="Number">Number of the decision.</param>
/// <param name="Step">The last step before the placement was in force, or the one at which it was abandoned.</param>
/// <param name="ShardsMoved">Shards that arrived.</param>
/// <param name="Failure">Why it was abandoned; null when it is in force.</param>
/// <param name="CopySeconds">Seconds that its copies took beside the steps.</param>
/// <param name="WaitSeconds">Seconds that steps had to wait for them.</param>
/// <param name="BytesMoved">Bytes of state that travelled.</param>
[GenerateSerializer, Immutable, Alias("moe.director.conclusion")]
public sealed record PlanConclusion(
    [property: Id(0)] long Number, [property: Id(1)] long Step, [property: Id(2)] int ShardsMoved, [property: Id(3)] string? Failure,
    [property: Id(4)] double CopySeconds, [property: Id(5)] double WaitSeconds, [property: Id(6)] long BytesMoved);

/// <summary>What the coordinator of a model tells its director.</summary>
[Alias("moe.IDirectorProtocol")]
public interface IDirectorProtocol : IGrainWithStringKey
{
    /// <summary>The load of a committed step. Nobody waits for what comes of it.</summary>
    [Alias("observe")]
    [OneWay]
    Task ObserveAsync(StepLoad load);

    /// <summary>A plan is in force, or was abandoned.</summary>
    [Alias("conclude")]
    [OneWay]
    Task ConcludeAsync(PlanConclusion conclusion);
}

/// <summary>What the director of a model asks of its coordinator.</summary>
[Alias("moe.ITrainingProtocol")]
public interface ITrainingProtocol : IGrainWithStringKey
{
    /// <summary>Takes a plan of the director, to be applied with the next steps.</summary>
    [Alias("propose")]
    [ResponseTimeout("00:00:10")]
    Task<ProposalAnswer> ProposeAsync(PlanProposal proposal);
}

/// <summary>What the coordinator of a model asks of the grain that speaks for a shard.</summary>
[Alias("moe.IExpertProtocol")]
public interface IExpertProtocol : IGrainWithStringKey
{
    /// <summary>Sends the grain after its shard, which lives on another silo since the view that has just opened.</summary>
    /// <param name="silo">Address of that silo.</param>
    [Alias("move")]
    Task MoveAsync(string silo);
}
