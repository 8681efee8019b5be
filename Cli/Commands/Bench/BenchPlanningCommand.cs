using System.CommandLine;
using MoEActors.Benchmarks;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench planning`: how long placement planners take, on one core.</summary>
internal static class BenchPlanningCommand
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    public static Command Create()
    {
        Option<int> repetitions = NumberOption.Count("--repetitions", "Measured plans of each planner and shape; the median counts.", 31);
        Command command = new("planning", "Time placement planners on one core, the incremental one beside replicate-and-pack.") { repetitions };
        return command.Measures(
            (parsed, output, cancellation) =>
            {
                // Each line is printed as soon as it is measured.
                TextWriter lines = parsed.IsJson() ? TextWriter.Null : output.Out;
                List<PlanningResult> results = [];
                foreach (PlanningShape shape in PlanningBenchmark.Shapes)
                {
                    PlanningResult result = PlanningBenchmark.Run(shape, parsed.GetValue(repetitions), WarmUp, cancellation);
                    results.Add(result);
                    lines.WriteLine(
                        $"{result.Layers} layers, {result.Experts} experts, {result.Slots} slots, {result.Workers} workers (ratio {result.RatioBefore:F3}): replicate-and-pack {result.ReplicateAndPackMilliseconds:F1} ms (ratio {result.RatioReplicateAndPack:F3}, {result.MovesPerLayerReplicateAndPack:F0} moves a layer), incremental {result.IncrementalMilliseconds:F1} ms (ratio {result.RatioIncremental:F3}, {result.MovesPerLayerIncremental:F1} moves)");
                }

                return Task.FromResult(new PlanningReport(results));
            },
            (_, _) => { });
    }
}
