using MoEActors.Modules.Models;
using MoEActors.Placement;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Memory;

/// <summary>
/// Estimates what workers will allocate, before anything is allocated: it runs what a worker runs - open an epoch, a step, a move - on a device
/// that only counts. There are no formulas that could fall behind the layers. What is assumed is the routing: every worker has a micro-batch of the
/// shape, tokens choose all experts alike, and <see cref="PlannedSkew"/> times a worker's equal share of rows comes to it.
/// </summary>
public static class MemoryEstimator
{
    /// <summary>Rows that are taken to come to a worker, over its equal share: a balance loss holds routing to less.</summary>
    public const double PlannedSkew = 1.25;

    /// <summary>The skew of the worst routing: every token chooses as many experts of one worker as it can.</summary>
    public const double WorstSkew = double.PositiveInfinity;

    /// <summary>Estimates a run under the static placement.</summary>
    /// <param name="run">A valid run.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="shape">The micro-batch.</param>
    /// <param name="skew">Rows that come to a worker over its equal share; limited by what the gate can send it.</param>
    public static MemoryEstimate Estimate(RunConfiguration run, int workers, MicroBatchShape shape, double skew = PlannedSkew)
    {
        WorkerId[] ids = [.. Enumerable.Range(0, workers).Select(rank => new WorkerId("estimated", rank))];
        return Estimate(run, StaticPlanner.Plan(1, ids, run.Model.Experts), shape, skew);
    }

    /// <summary>Estimates a run under a placement.</summary>
    /// <param name="run">A valid run.</param>
    /// <param name="map">The placement.</param>
    /// <param name="shape">The micro-batch.</param>
    /// <param name="skew">Rows that come to a worker over its equal share; limited by what the gate can send it.</param>
    /// <param name="before">The placement that this one follows, on the same workers; null when none does, and then the move of one expert is estimated.</param>
    public static MemoryEstimate Estimate(
        RunConfiguration run, PlacementMap map, MicroBatchShape shape, double skew = PlannedSkew, PlacementMap? before = null)
    {
        Dictionary<string, WorkerEstimate> known = [];
        var workers = new WorkerEstimate[map.Workers.Length];
        for (int rank = 0; rank < workers.Length; rank++)
        {
            // What a worker needs follows from the number of its experts: equal ones are estimated once.
            var worker = new DryRunWorker(run, map, before, rank, shape, skew);
            if (!known.TryGetValue(worker.Kind, out WorkerEstimate? found))
            {
                found = worker.Estimate();
                known.Add(worker.Kind, found);
            }

            workers[rank] = found with { Rank = rank };
        }

        return new MemoryEstimate(shape, skew, workers);
    }
}
