using Orleans.Concurrency;

namespace MoEActors.Grains.Protocol;

/// <summary>What the gates routed in a committed step.</summary>
/// <param name="Step">The step.</param>
/// <param name="View">The view that is open after it.</param>
/// <param name="Revision">Raised by every change of the director's settings.</param>
/// <param name="Tokens">By layer and expert: tokens that reached it.</param>
/// <param name="Dropped">By layer: tokens dropped for want of capacity.</param>
/// <param name="Applying">Number of the decision that is being applied; 0 for none.</param>
/// <param name="Moved">What went elsewhere beside the step; null when nothing did.</param>
/// <param name="LayerSeconds">
/// By layer: seconds of processor time that the slowest worker spent in its exchange and experts - own work, without waiting for others; empty where
/// they were not measured.
/// </param>
[GenerateSerializer, Immutable, Alias("moe.director.load")]
public sealed record StepLoad(
    [property: Id(0)] long Step, [property: Id(1)] long View, [property: Id(2)] long Revision, [property: Id(3)] long[][] Tokens,
    [property: Id(4)] long[] Dropped, [property: Id(6)] long Applying, [property: Id(7)] PlacementMoved? Moved, [property: Id(5)] double[] LayerSeconds);

/// <summary>A change of placement that has been committed.</summary>
/// <param name="From">The view before.</param>
/// <param name="Layers">The layers that changed, as they are now.</param>
/// <param name="FreeBytes">By rank: memory that no model has.</param>
[GenerateSerializer, Immutable, Alias("moe.director.moved")]
public sealed record PlacementMoved([property: Id(0)] long From, [property: Id(1)] LayerProposal[] Layers, [property: Id(2)] long[] FreeBytes);

/// <summary>A plan that the director asks the coordinator to carry out.</summary>
/// <param name="Number">Number of the decision.</param>
/// <param name="View">The view whose placement it was made for.</param>
/// <param name="Layers">The layers that change, the most rewarding first.</param>
/// <param name="BytesPerStep">Bytes that may move during one training step; one shard always may.</param>
[GenerateSerializer, Immutable, Alias("moe.director.proposal")]
public sealed record PlanProposal(
    [property: Id(0)] long Number, [property: Id(1)] long View, [property: Id(2)] LayerProposal[] Layers, [property: Id(3)] long BytesPerStep);

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

    /// <summary>The model is deleted: what the director knows of it is forgotten.</summary>
    [Alias("end")]
    Task EndAsync();
}

/// <summary>What the director of a model, and hosts, ask of its coordinator.</summary>
[Alias("moe.ITrainingProtocol")]
public interface ITrainingProtocol : IGrainWithStringKey
{
    /// <summary>Silos have come or gone: the model comes back if it is not there, or has lost a member.</summary>
    /// <returns>Whether there is nothing to do: it is there, was stopped, or never was. Else it has been begun, and is to be asked for again.</returns>
    [Alias("wake")]
    [ResponseTimeout("00:00:10")]
    Task<bool> WakeAsync();

    /// <summary>Takes a plan of the director, to be applied with the next steps.</summary>
    [Alias("propose")]
    [ResponseTimeout("00:00:10")]
    Task<ProposalAnswer> ProposeAsync(PlanProposal proposal);
}

/// <summary>What the coordinator of a model asks of the grain of a shard.</summary>
[Alias("moe.IExpertProtocol")]
public interface IExpertProtocol : IGrainWithStringKey
{
    /// <summary>Sends the grain after its shard, which lives on another silo since the view that has just opened.</summary>
    /// <param name="silo">Address of that silo.</param>
    [Alias("move")]
    Task MoveAsync(string silo);
}
