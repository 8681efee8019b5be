using MoEActors.Modules.Gates;
using MoEActors.Native.DryRun;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Snapshots;

namespace MoEActors.Workers.Estimation;

/// <summary>
/// Estimates what workers will allocate, before anything is allocated: it runs what a worker runs - open a view, a step - on a device that only
/// counts. There are no formulas that could fall behind the layers. What is assumed is the routing: every worker has a micro-batch of the shape, tokens
/// choose all experts alike, and <see cref="PlannedSkew"/> times a worker's equal share of rows comes to it.
/// </summary>
public static class MemoryEstimator
{
    /// <summary>Rows that are taken to come to a worker, over its equal share: a balance loss holds routing to less.</summary>
    public const double PlannedSkew = 1.25;

    /// <summary>The skew of the worst routing: every token chooses as many experts of one worker as it can.</summary>
    public const double WorstSkew = double.PositiveInfinity;

    /// <summary>
    /// Whether a run can be estimated: with an expert or a gate that was added to the library's it cannot, since its code may read and write memory that
    /// a dry run has not.
    /// </summary>
    public static bool Knows(RunConfiguration run) =>
        ModelKinds.BuiltIn.Experts.Find(run.Model.Expert) is not null && ModelKinds.BuiltIn.Gates.Find(run.Model.Gate.Kind) is not null;

    /// <summary>Estimates a run under the static placement.</summary>
    /// <param name="run">A valid run.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="shape">The micro-batch.</param>
    /// <param name="skew">Rows that come to a worker over its equal share; limited by what the gate can send it.</param>
    /// <param name="device">What workers compute on; null for processors.</param>
    /// <exception cref="NotSupportedException">The run has an expert or a gate of one's own.</exception>
    public static MemoryEstimate Estimate(
        RunConfiguration run, int workers, MicroBatchShape shape, double skew = PlannedSkew, ImitatedDevice? device = null)
    {
        WorkerId[] ids = [.. Enumerable.Range(0, workers).Select(rank => new WorkerId($"estimated-{rank}", 0))];
        return Estimate(run, StaticPlanner.Plan(1, ids, run.Model.Experts), shape, skew, device: device);
    }

    /// <summary>Estimates a run under a placement.</summary>
    /// <param name="run">A valid run.</param>
    /// <param name="map">The placement.</param>
    /// <param name="shape">The micro-batch.</param>
    /// <param name="skew">Rows that come to a worker over its equal share; limited by what the gate can send it.</param>
    /// <param name="before">
    /// The placement that this one follows beside a step, on the same workers; null when none does, and then the move of one expert is estimated.
    /// </param>
    /// <param name="gates">Policies of layers that do not route as the run began; null for none.</param>
    /// <param name="device">What workers compute on; null for processors.</param>
    /// <param name="parallelism">By layer: what travels in a step; null where rows do in all of them.</param>
    /// <exception cref="NotSupportedException">The run has an expert or a gate of one's own.</exception>
    /// <exception cref="BatchTooLargeException">A matrix would have more elements than can be counted.</exception>
    public static MemoryEstimate Estimate(
        RunConfiguration run, PlacementMap map, MicroBatchShape shape, double skew = PlannedSkew, PlacementMap? before = null,
        IReadOnlyList<GatePolicy>? gates = null, ImitatedDevice? device = null, ParallelismChoice[]? parallelism = null)
    {
        if (!Knows(run))
        {
            throw new NotSupportedException(
                $"The memory of experts '{run.Model.Expert}' behind gates '{run.Model.Gate.Kind}' cannot be estimated: one of them is none of the library's.");
        }

        WorkerEstimate[] after = Held(run, map, shape, skew, gates ?? [], device, parallelism);
        WorkerEstimate[] held = before is null ? after : Held(run, before, shape, skew, gates ?? [], device, parallelism);
        long shard = ShardBytes(run.Model, device);
        var workers = new WorkerEstimate[after.Length];
        for (int rank = 0; rank < workers.Length; rank++)
        {
            // Copies arrive beside a step under the old placement; what has left is freed beside the first one under the new.
            long arrivals = before is null ? Math.Min(1, Missing(map, rank)) : Moves(before, map, rank);
            long departures = before is null ? 0 : Moves(map, before, rank);
            long transfer = Math.Max(held[rank].Phases[(int)MemoryPhase.Backward] + arrivals * shard, after[rank].Phases[(int)MemoryPhase.Backward] + departures * shard);
            long[] phases = [.. after[rank].Phases];
            phases[(int)MemoryPhase.Transfer] = transfer;
            workers[rank] = after[rank] with { Phases = phases, Copies = SnapshotCopies.Estimate(run.Model, map, rank) };
        }

        return new MemoryEstimate(shape, skew, workers);
    }

    /// <summary>What a worker needs to evaluate micro-batches.</summary>
    public static long EvaluationBytes(
        RunConfiguration run, PlacementMap map, int rank, MicroBatchShape shape, IReadOnlyList<GatePolicy> gates, ImitatedDevice? device = null) =>
        Addressed(shape, () => new DryRunWorker(run, map, rank, shape, PlannedSkew, gates, device).EvaluationBytes());

    /// <summary>By rank: what a worker needs while no expert moves. It follows from the number of its experts: equal ones are estimated once.</summary>
    private static WorkerEstimate[] Held(
        RunConfiguration run, PlacementMap map, MicroBatchShape shape, double skew, IReadOnlyList<GatePolicy> gates, ImitatedDevice? device,
        ParallelismChoice[]? parallelism)
    {
        Dictionary<string, WorkerEstimate> known = [];
        var workers = new WorkerEstimate[map.Workers.Length];
        for (int rank = 0; rank < workers.Length; rank++)
        {
            var worker = new DryRunWorker(run, map, rank, shape, skew, gates, device, parallelism);
            if (!known.TryGetValue(worker.Kind, out WorkerEstimate? found))
            {
                found = Addressed(shape, worker.Estimate);
                known.Add(worker.Kind, found);
            }

            workers[rank] = found with { Rank = rank };
        }

        return workers;
    }

    /// <summary>Runs dry what may be too large to be counted, whatever the memory.</summary>
    /// <exception cref="BatchTooLargeException">It is.</exception>
    private static T Addressed<T>(MicroBatchShape shape, Func<T> estimate)
    {
        try
        {
            return estimate();
        }
        catch (OverflowException)
        {
            throw new BatchTooLargeException(
                $"A micro-batch of {shape} is too large: one of its matrices would have more than {int.MaxValue} elements. Divide the batch into more micro-batches, or make it smaller.");
        }
    }

    /// <summary>Experts that a worker holds in one placement and not in another.</summary>
    private static int Moves(PlacementMap from, PlacementMap to, int rank) =>
        Enumerable.Range(0, to.Layers).Sum(layer => to.ExpertsOn(rank, layer).Count(expert => !from.PlacementOf(layer).Holds(expert, rank)));

    /// <summary>Experts that a worker does not hold.</summary>
    private static int Missing(PlacementMap map, int rank) =>
        Enumerable.Range(0, map.Layers).Sum(layer => map.PlacementOf(layer).Experts - map.ExpertsOn(rank, layer).Count());

    private static long ShardBytes(ModelConfiguration model, ImitatedDevice? imitated)
    {
        using var device = new DryRunDevice(imitated);
        using var shard = new ParameterBlock(device, "", ModelLayout.Expert(model));
        return shard.Bytes;
    }
}

/// <summary>A micro-batch is too large to be counted, whatever the memory.</summary>
public sealed class BatchTooLargeException(string message) : Exception(message);

/// <summary>Estimates the arenas of a run's workers.</summary>
internal static class ArenaEstimate
{
    /// <summary>The estimator of a run; null where an expert or a gate of one's own keeps it from being estimated.</summary>
    /// <param name="run">The run.</param>
    /// <param name="device">The worker's device.</param>
    public static ArenaEstimator? For(RunConfiguration run, IDevice device) => MemoryEstimator.Knows(run)
        ? (map, rank, shape) => new DryRunWorker(run, map, rank, shape, MemoryEstimator.PlannedSkew, gates: [], ImitatedDevice.Of(device)).ArenaBytes()
        : null;
}
