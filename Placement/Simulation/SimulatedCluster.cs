using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// The cluster that a trace is replayed on. A trace says nothing about the machines or the size of its experts, so these are chosen: a
/// perfectly balanced layer of the trace's mean step computes for 10 ms and exchanges for 1 ms; an expert has 8 MiB of weights, 24 MiB of
/// state; links carry 50 GB/s inside a host and 12.5 GB/s between hosts.
/// </summary>
public static class SimulatedCluster
{
    private const double BalancedComputeSeconds = 10e-3, BalancedExchangeSeconds = 1e-3;
    private const double InHostBandwidth = 50e9, BetweenHostsBandwidth = 12.5e9;
    private const long WeightBytes = 8L << 20;

    /// <summary>Builds the cost model for a trace. O(rows · layers · experts).</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="workers">Number of workers.</param>
    /// <param name="hosts">Number of hosts; divides the workers.</param>
    /// <exception cref="PlacementException">The hosts do not divide the workers.</exception>
    public static CostModel Of(LoadTrace trace, int workers, int hosts)
    {
        if (hosts < 1 || workers < 1 || workers % hosts != 0)
        {
            throw new PlacementException($"{workers} workers do not divide evenly over {hosts} hosts.");
        }

        WorkerCapacity[] capacities = [.. Enumerable.Range(0, workers).Select(rank => new WorkerCapacity($"host {rank * hosts / workers}", int.MaxValue))];
        ClusterTopology topology = new(capacities, InHostBandwidth, BetweenHostsBandwidth);
        IEnumerable<long[]> layers = trace.Rows.SelectMany(row => row.Tokens).Where(layer => layer.Length > 0);
        double tokens = layers.Select(layer => (double)layer.Sum()).DefaultIfEmpty().Average();
        long perWorker = Math.Max(1, (long)(tokens / workers));
        return new CostModel(
            new Calibration([new ComputePoint(perWorker, BalancedComputeSeconds / CostModel.ComputePasses)]),
            new ShardSize(WeightBytes, 3 * WeightBytes, Math.Max(1, (long)(BalancedExchangeSeconds / CostModel.Exchanges * InHostBandwidth / perWorker))),
            topology);
    }
}
