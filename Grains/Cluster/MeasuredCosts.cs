using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Cluster;

/// <summary>The cost model of a run on members that were measured.</summary>
internal static class MeasuredCosts
{
    /// <summary>What was measured is a round; a step has several, among which its tokens are divided.</summary>
    public static CostModel Of(ClusterCalibration calibration, PlacementMap map, RunConfiguration run)
    {
        ModelConfiguration model = run.Model;
        long parameters = ModelLayout.ExpertCount(model);
        int rounds = (run.MicroBatches + map.Workers.Length - 1) / map.Workers.Length;
        return new CostModel(
            new Calibration([.. calibration.Rows.Zip(calibration.Seconds, (rows, seconds) => new ComputePoint(rows * rounds, seconds * rounds))]),
            new ShardSize(sizeof(float) * parameters, 3 * sizeof(float) * parameters, sizeof(float) * model.Dim),
            new ClusterTopology(
                [.. map.Workers.Select(worker => new WorkerCapacity(worker.Silo, int.MaxValue))], calibration.Bandwidth, calibration.Bandwidth));
    }
}
