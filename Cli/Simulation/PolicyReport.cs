using System.Text.Json.Serialization;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Simulation;

/// <summary>One policy's figures, as `moe simulate placement --json` prints them. SimulationResult says what each means.</summary>
internal sealed record PolicyReport(
    [property: JsonPropertyName("policy")] string Policy,
    [property: JsonPropertyName("ratio_mean_before_500")] double? RatioMeanBefore500,
    [property: JsonPropertyName("ratio_mean_after_500")] double? RatioMeanAfter500,
    [property: JsonPropertyName("ratio_worst_after_500")] double? RatioWorstAfter500,
    [property: JsonPropertyName("step_time_vs_static")] double StepTimeVersusStatic,
    [property: JsonPropertyName("step_time_vs_balanced")] double StepTimeVersusBalanced,
    [property: JsonPropertyName("plans")] int Plans,
    [property: JsonPropertyName("shards_moved_per_layer_plan")] double ShardsMovedPerLayerPlan,
    [property: JsonPropertyName("bytes_moved")] long BytesMoved,
    [property: JsonPropertyName("planning_ms")] double PlanningMilliseconds)
{
    /// <summary>Static's time over the policy's, and the policy's over that of perfect balance; 1 where nothing was routed.</summary>
    public static PolicyReport Of(SimulationResult result, SimulationResult unchanged) => new(
        result.Policy,
        result.RatioMeanBefore500,
        result.RatioMeanAfter500,
        result.RatioWorstAfter500,
        result.Seconds > 0 ? unchanged.Seconds / result.Seconds : 1,
        result.BalancedSeconds > 0 ? result.Seconds / result.BalancedSeconds : 1,
        result.Plans,
        result.ShardsMovedPerLayerPlan,
        result.BytesMoved,
        result.PlanningMilliseconds);
}
