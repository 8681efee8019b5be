using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench planning`: how long placement planners take, on one core.</summary>
internal sealed class BenchPlanningCommand
{
    private static readonly BenchPlanningOptions Defaults = new();

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    private readonly Option<int> _repetitions =
        NumberOption.Count("--repetitions", "Measured plans of each planner and shape; the median counts.", Defaults.Repetitions);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchPlanningCommand().Build();

    private Command Build()
    {
        Command command = new("planning", "Time placement planners on one core, the incremental one beside replicate-and-pack.") { _repetitions, _json };
        command.Runs(
            parsed => new BenchPlanningOptions { Repetitions = parsed.GetValue(_repetitions), Json = parsed.GetValue(_json) },
            Run);
        return command;
    }

    private static Task<int> Run(BenchPlanningOptions options, CommandOutput output, CancellationToken cancellation)
    {
        List<PlanningResult> results = [];
        foreach (PlanningShape shape in PlanningBenchmark.Shapes)
        {
            PlanningResult result = PlanningBenchmark.Run(shape, options.Repetitions, WarmUp, cancellation);
            results.Add(result);
            if (!options.Json)
            {
                output.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{result.Layers} layers, {result.Experts} experts, {result.Slots} slots, {result.Workers} workers (ratio {result.RatioBefore:F3}): replicate-and-pack {result.ReplicateAndPackMilliseconds:F1} ms (ratio {result.RatioReplicateAndPack:F3}, {result.MovesPerLayerReplicateAndPack:F0} moves a layer), incremental {result.IncrementalMilliseconds:F1} ms (ratio {result.RatioIncremental:F3}, {result.MovesPerLayerIncremental:F1} moves)"));
            }
        }

        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(new PlanningReport(results), SnakeCase.OneLine));
        }

        return Task.FromResult(ExitCode.Done);
    }
}

/// <summary>What `moe bench planning` is asked to do.</summary>
internal sealed record BenchPlanningOptions : ICommandOptions
{
    /// <summary>Measured plans of each planner and shape; the median counts.</summary>
    public int Repetitions { get; init; } = 31;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }
}
