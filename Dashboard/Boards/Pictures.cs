using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;

namespace MoEActors.Dashboard.Boards;

/// <summary>The silos of the cluster.</summary>
/// <param name="Silos">By name.</param>
/// <param name="Problem">Why nothing newer is known; null when the cluster answers.</param>
internal sealed record ClusterPicture(SiloPicture[] Silos, string? Problem);

/// <summary>A silo.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its address.</param>
/// <param name="State">How it stands.</param>
/// <param name="Started">When it was started.</param>
/// <param name="Since">When it was seen to stand so.</param>
/// <param name="WasLeaving">Whether it is dead because it left.</param>
internal sealed record SiloPicture(string Name, string Address, SiloState State, DateTimeOffset Started, DateTimeOffset Since, bool WasLeaving);

/// <summary>How a model stands.</summary>
internal sealed record StatusPicture
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Committed steps.</summary>
    public required long Step { get; init; }

    /// <summary>The view; 0 when none is open.</summary>
    public required long View { get; init; }

    /// <summary>The coordinator's term.</summary>
    public required long Term { get; init; }

    /// <summary>What its workers compute on.</summary>
    public required string Device { get; init; }

    /// <summary>The last committed step; null before one was seen.</summary>
    public StepNote? Newest { get; init; }

    /// <summary>Steps of the load window, first and last; null before there is one.</summary>
    public long[]? Window { get; init; }

    /// <summary>The step that the run would go back to if a silo with experts died now.</summary>
    public required long SnapshotStep { get; init; }

    /// <summary>How the placement follows the load; null when it does not.</summary>
    public DirectorSettings? Director { get; init; }

    /// <summary>Names of the silos that were drained.</summary>
    public string[] Drained { get; init; } = [];

    /// <summary>Mean relative error of the director's predicted seconds; null where nothing was measured.</summary>
    public double? PredictionError { get; init; }

    /// <summary>Why nothing newer is known; null when the coordinator answers.</summary>
    public string? Problem { get; init; }
}

/// <summary>What a run is.</summary>
/// <param name="Configuration">Model, optimizer, and micro-batches per step.</param>
/// <param name="Parameters">Parameters of the model.</param>
/// <param name="ShardBytes">Bytes of an expert: parameters and moments.</param>
/// <param name="IsLayer">Whether it is a single layer for a backbone of its caller's.</param>
/// <param name="Gates">Policies of layers that do not route as the run began.</param>
internal sealed record RunPicture(JsonNode? Configuration, long Parameters, long ShardBytes, bool IsLayer, GatePicture[] Gates);

/// <summary>The policy of a layer's gate.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that followed it.</param>
/// <param name="Options">The policy.</param>
internal sealed record GatePicture(int Layer, long FromStep, GateOptions Options);

/// <summary>A worker.</summary>
/// <param name="Rank">Its rank.</param>
/// <param name="Silo">Name of its silo.</param>
/// <param name="Address">Address of its silo.</param>
/// <param name="Index">Index of its device on the silo.</param>
/// <param name="Budget">Bytes that the device may allocate.</param>
/// <param name="Used">Bytes that it has allocated, for all models.</param>
/// <param name="Model">Bytes of them that this model has.</param>
/// <param name="Shards">Experts that it has, of all layers.</param>
/// <param name="Share">Share of the experts' tokens of the load window that it served, of all layers.</param>
/// <param name="TokensPerSecond">Tokens that its experts served per second of the window, of all layers.</param>
/// <param name="Time">Where the time of the last step went; null before there was one.</param>
internal sealed record WorkerPicture(
    int Rank, string Silo, string Address, int Index, long Budget, long Used, long Model, int Shards, double? Share, double? TokensPerSecond, TimePicture? Time);

/// <summary>Where a worker's time went in the last step, in shares of all of it.</summary>
/// <param name="Compute">Experts, attention, gates, the dense parts and the optimizer.</param>
/// <param name="Exchange">Work on the exchange of rows and the reduction of gradients.</param>
/// <param name="Waiting">Waiting within these for other workers or for a core, and for the next command.</param>
internal sealed record TimePicture(double Compute, double Exchange, double Waiting);

/// <summary>A layer in short.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Experts">Its experts; 0 for a dense layer.</param>
/// <param name="Shards">Replicas of all experts.</param>
/// <param name="Ratio">Tokens of the busiest worker over the mean, in the last step; null where it is not known.</param>
/// <param name="WindowRatio">The same of the load window, on the placement of now.</param>
/// <param name="Tokens">Tokens of the window that reached an expert.</param>
/// <param name="Dropped">Tokens of the window that found no slot.</param>
/// <param name="DeadExperts">Experts that no token of the window chose.</param>
/// <param name="Dead">The first of these.</param>
/// <param name="RouterEntropy">Entropy of the router's probabilities, nats.</param>
/// <param name="Parallelism">What travels: rows to their experts, experts to the rows (data), or copies of busy experts as well (transientCopies).</param>
/// <param name="TransientCopies">Copies of experts that were made for the passes of the load window's steps.</param>
/// <param name="Tuning">Where what travels is chosen by what steps take: what is best now, and why; else null.</param>
/// <param name="Slices">Slices of an expert that rows travel to, each computed by another worker; 1 for whole experts.</param>
/// <param name="Exchange">How rows cross the hosts.</param>
internal sealed record LayerPicture(
    int Layer, int Experts, int Shards, double? Ratio, double? WindowRatio, long Tokens, long Dropped, int DeadExperts, int[] Dead, double? RouterEntropy,
    LayerParallelism Parallelism = LayerParallelism.Expert, long TransientCopies = 0, string? Tuning = null, int Slices = 1,
    AllToAll Exchange = AllToAll.Linear);

/// <summary>Which workers have which experts of a layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="View">The view of this placement.</param>
/// <param name="Ranks">By expert: the ranks that have it, ascending.</param>
/// <param name="Moves">The last move of each expert that has moved.</param>
internal sealed record PlacementPicture(int Layer, long View, int[][] Ranks, MovePicture[] Moves);

/// <summary>An expert came to other workers.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="From">Names of the silos that had it.</param>
/// <param name="To">The ranks that had not, and have it now.</param>
/// <param name="View">The view that this made.</param>
/// <param name="Step">Committed steps when it was noticed.</param>
/// <param name="Time">When it was noticed.</param>
internal sealed record MovePicture(int Expert, string[] From, int[] To, long View, long Step, DateTimeOffset Time);

/// <summary>The load of a layer in the load window.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="From">First step of the window.</param>
/// <param name="To">Its last step.</param>
/// <param name="View">The view on whose placement tokens are shared out.</param>
/// <param name="Tokens">By expert: tokens that reached it.</param>
/// <param name="Shares">Of experts with replicas: tokens of each, in the order of their ranks.</param>
/// <param name="Workers">By rank: tokens that its experts served.</param>
internal sealed record LoadPicture(int Layer, long From, long To, long View, long[] Tokens, ReplicaPicture[] Shares, long[] Workers);

/// <summary>How the tokens of an expert are shared out among its replicas.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="Tokens">In the order of its ranks.</param>
internal sealed record ReplicaPicture(int Expert, long[] Tokens);

/// <summary>A decision of the director.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Step">The last step whose load it was made from.</param>
/// <param name="Time">When; null where that is not known.</param>
/// <param name="State">How far it has come.</param>
/// <param name="ConcludedAt">The step after which it was in force or abandoned; 0 while it is being applied.</param>
/// <param name="Failure">Why it was abandoned; null when it was not.</param>
/// <param name="ShardsMoved">Shards that have arrived.</param>
/// <param name="BytesMoved">Bytes of state that have travelled.</param>
/// <param name="CopySeconds">Seconds that the copies took beside the steps.</param>
/// <param name="WaitSeconds">Seconds that steps had to wait for them.</param>
/// <param name="Layers">What it means for each layer.</param>
internal sealed record DecisionPicture(
    long Number, long Step, DateTimeOffset? Time, DecisionState State, long ConcludedAt, string? Failure, int ShardsMoved, long BytesMoved, double CopySeconds,
    double WaitSeconds, LayerDecision[] Layers)
{
    /// <summary>A decision as the page has it.</summary>
    public static DecisionPicture Of(DirectorDecision decision) => new(
        decision.Number, decision.Step, decision.Time == default ? null : decision.Time, decision.State, decision.ConcludedAt, decision.Failure,
        decision.ShardsMoved, decision.BytesMoved, decision.CopySeconds, decision.WaitSeconds, decision.Layers);
}

/// <summary>Something that has happened.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Time">When.</param>
/// <param name="Step">Committed steps then.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Text">What happened, in a sentence.</param>
internal sealed record NotePicture(long Number, DateTimeOffset Time, long Step, FeedNoteKind Kind, string Text);
