using MoEActors.Modules.Gates;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Commands;

/// <summary>A micro-batch and its place in the step, from 0.</summary>
/// <param name="Index">The place.</param>
/// <param name="Batch">The micro-batch.</param>
[GenerateSerializer, Immutable, Alias("moe.step.micro-batch")]
public readonly record struct PlacedMicroBatch([property: Id(0)] int Index, [property: Id(1)] MicroBatch Batch);

/// <summary>A step, and the micro-batches of it that the workers of one host have.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="MicroBatches">Micro-batches of the whole step.</param>
/// <param name="Parts">Those of them that have tokens: auxiliary losses are means over them.</param>
/// <param name="Targets">Predicted tokens of the whole step.</param>
/// <param name="Batches">The micro-batches of this host's workers.</param>
/// <param name="Forward">Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</param>
[GenerateSerializer, Immutable, Alias("moe.step.share")]
public sealed record StepShare(
    [property: Id(0)] long Step, [property: Id(1)] int MicroBatches, [property: Id(5)] int Parts, [property: Id(2)] long Targets,
    [property: Id(3)] PlacedMicroBatch[] Batches, [property: Id(4)] Guid Forward)
{
    /// <summary>By layer: what travels; empty where rows do in all of them.</summary>
    [Id(8)] public ParallelismChoice[] Parallelism { get; init; } = [];

    /// <summary>What transient copies cost and save, alike on every host; null where no layer has any.</summary>
    [Id(7)] public CopyCoefficients? Copies { get; init; }

    /// <summary>What is alike for all hosts in a step of these micro-batches.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="batches">All of its micro-batches.</param>
    /// <param name="forward">Of a layer whose backbone is the caller's: the last forward that the update builds on; else empty.</param>
    public static StepShare Of(long step, IReadOnlyList<MicroBatch> batches, Guid forward = default) => new(
        step, batches.Count, batches.Count(batch => batch.TokenCount > 0), batches.Sum(batch => (long)batch.TargetCount), [], forward);

    /// <summary>Weight of a predicted token in the loss of the step.</summary>
    public float LossScale => 1f / Math.Max(1, Targets);

    /// <summary>Weight of a micro-batch's auxiliary losses in that of the step.</summary>
    public float AuxiliaryScale => 1f / Math.Max(1, Parts);
}

/// <summary>Run a step forward and backward and keep the gradients.</summary>
/// <param name="Share">The step.</param>
/// <param name="Change">A change of placement to be copied beside the step; null for none.</param>
[GenerateSerializer, Immutable, Alias("moe.command.step.prepare")]
public sealed record PrepareCommand([property: Id(0)] StepShare Share, [property: Id(1)] PlacementChange? Change = null) : Command<StepReport>;

/// <summary>A worker has prepared a step.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.step")]
public sealed record StepReport : WorkerReport
{
    /// <summary>Why a layer without a backbone has nothing to prepare, empty where another worker knows; null when it has prepared.</summary>
    [Id(0)] public string? Refusal { get; init; }

    /// <summary>Losses of its micro-batches.</summary>
    [Id(1)] public LossPart[] Losses { get; init; } = [];

    /// <summary>Norm of the step's gradient, alike on every worker.</summary>
    [Id(2)] public double GradientNorm { get; init; }

    /// <summary>By layer and expert: tokens of its micro-batches that found a slot.</summary>
    [Id(3)] public long[][] KeptTokens { get; init; } = [];

    /// <summary>By layer and expert: tokens of its micro-batches that chose it.</summary>
    [Id(4)] public long[][] ChosenTokens { get; init; } = [];

    /// <summary>Router entropies by micro-batch and layer.</summary>
    [Id(5)] public RouterPart[] Routers { get; init; } = [];

    /// <summary>Auxiliary losses by micro-batch and layer.</summary>
    [Id(6)] public AuxiliaryPart[] AuxiliaryLosses { get; init; } = [];

    /// <summary>Managed bytes that the executor thread allocated during the work.</summary>
    [Id(7)] public long AllocatedBytes { get; init; }

    /// <summary>Where its time went since it had prepared the step before; null where it has not prepared.</summary>
    [Id(8)] public WorkerTiming? Timing { get; init; }

    /// <summary>How the change of placement went that came with the command; null when none did.</summary>
    [Id(9)] public ShardArrivals? Arrivals { get; init; }

    /// <summary>Its part of a snapshot that has come to disk since the step before; null when none has.</summary>
    [Id(10)] public SnapshotPart? Snapshot { get; init; }

    /// <summary>By layer: copies of experts that came to it in the step's passes.</summary>
    [Id(11)] public int[] Copies { get; init; } = [];
}

/// <summary>The losses of one micro-batch.</summary>
/// <param name="Index">Place in the step.</param>
/// <param name="CrossEntropySum">Σ over its tokens, nats.</param>
/// <param name="Auxiliary">Σ over layers of the weighted auxiliary losses.</param>
/// <param name="Tokens">Its tokens, those included of which no target is predicted.</param>
[GenerateSerializer, Immutable, Alias("moe.step.loss")]
public readonly record struct LossPart(
    [property: Id(0)] int Index, [property: Id(1)] double CrossEntropySum, [property: Id(2)] double Auxiliary, [property: Id(3)] int Tokens)
{
    /// <summary>How many micro-batches have tokens; the others have no say in a mean.</summary>
    public static int Counted(IEnumerable<LossPart> losses) => losses.Count(loss => loss.Tokens > 0);

    /// <summary>Mean over the micro-batches that have tokens of the weighted auxiliary losses; they come in the order of the step.</summary>
    public static double MeanAuxiliary(IReadOnlyCollection<LossPart> losses) => losses.Sum(loss => loss.Auxiliary) / Math.Max(1, Counted(losses));
}

/// <summary>Apply the gradients of a prepared step, and go over to the placement that was copied beside it.</summary>
/// <param name="Step">The step.</param>
/// <param name="Adopt">The view to go over to, whose shards have arrived with the step; 0 to stay in this one.</param>
[GenerateSerializer, Immutable, Alias("moe.command.step.commit")]
public sealed record CommitCommand([property: Id(0)] long Step, [property: Id(1)] long Adopt = 0) : Command<DoneReport>;

/// <summary>Forget the gradients of a step.</summary>
/// <param name="Step">The step.</param>
[GenerateSerializer, Immutable, Alias("moe.command.step.abort")]
public sealed record AbortCommand([property: Id(0)] long Step) : Command<DoneReport>;

/// <summary>
/// Find out what is not finite in a step that was refused: look through the parameters, then run the step again, one micro-batch at a time, and
/// look through the gradients after each. Nothing is learnt.
/// </summary>
/// <param name="Share">The step.</param>
[GenerateSerializer, Immutable, Alias("moe.command.step.locate")]
public sealed record LocateCommand([property: Id(0)] StepShare Share) : Command<LocateReport>;

/// <summary>What a worker has found.</summary>
/// <param name="Found">Tensors that are not finite.</param>
[GenerateSerializer, Immutable, Alias("moe.report.locate")]
public sealed record LocateReport([property: Id(0)] NonFinitePart[] Found) : WorkerReport;

/// <summary>A tensor that is not finite.</summary>
/// <param name="MicroBatch">The first micro-batch after which its gradient was not; −1 for its values.</param>
/// <param name="Layer">The layer; −1 for what belongs to none.</param>
/// <param name="Expert">The expert; −1 for a dense tensor.</param>
/// <param name="Tensor">Its full name.</param>
[GenerateSerializer, Immutable, Alias("moe.step.nonfinite")]
public readonly record struct NonFinitePart(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] int Expert, [property: Id(3)] string Tensor);
