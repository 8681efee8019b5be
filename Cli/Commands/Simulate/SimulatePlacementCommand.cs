using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Progress;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate placement`: what each placement policy would have made of a recorded load.</summary>
internal static class SimulatePlacementCommand
{
    private const string AllPolicies = "all";

    public static Command Create()
    {
        Option<string> trace = TextOption.Required("--trace", "FILE", "The load: a CSV file step,layer,expert,tokens.");
        Option<int> workers = NumberOption.Count("--workers", "Number of workers.", 8);
        Option<int> hosts = NumberOption.Count("--hosts", "Number of hosts that the workers are on.", 1);
        Option<int> spareSlots =
            NumberOption.Count("--spare-slots", "Slots of a layer beyond one per expert, on all workers together.", 8, least: 0);
        Option<string> policy = TextOption.WithDefault(
            "--policy", "P", $"{string.Join(", ", PlannerCatalog.All.Select(planner => planner.Name))}, or {AllPolicies}.", AllPolicies);
        policy.Validators.Add(result =>
        {
            string name = result.Tokens.Count > 0 ? result.Tokens[0].Value : AllPolicies;
            if (name != AllPolicies && PlannerCatalog.All.All(planner => planner.Name != name))
            {
                result.AddError($"--policy must be one of {policy.Description} '{name}' is not.");
            }
        });
        Option<int> every = NumberOption.Count("--every", "Plan at every so many rows.", 1);
        Option<bool> reproducible = new("--reproducible") { Description = "Replicas serve whole micro-batches, 8 per step." };
        Option<bool> copies = new("--copies") { Description = "Level what is left by transient copies, and say what they cost." };
        Option<bool> json = new("--json") { Description = "Print a JSON array, one object per policy." };
        Command command = new("placement", "Replay a recorded load under placement policies.")
        {
            trace, workers, hosts, spareSlots, policy, every, reproducible, copies, json,
        };
        return command.Runs((parsed, output, cancellation) =>
        {
            string file = parsed.GetRequiredValue(trace);
            SimulationOptions options = new()
            {
                Workers = parsed.GetValue(workers),
                Hosts = parsed.GetValue(hosts),
                SpareSlots = parsed.GetValue(spareSlots),
                Every = parsed.GetValue(every),
                Quotas = parsed.GetValue(reproducible) ? new MicroBatchQuotas() : new TokenQuotas(),
                Copies = parsed.GetValue(copies),
            };
            UsageException.ThrowUnless(File.Exists(file), $"--trace {file} is no file.");
            UsageException.ThrowUnless(
                options.Workers % options.Hosts == 0, $"--workers {options.Workers} do not divide evenly over --hosts {options.Hosts}.");
            LoadTrace load = TraceReader.Read(file);
            RequireRoom(options, load.Experts);
            PolicyReport[] reports = Replay(load, options, parsed.GetRequiredValue(policy), output, cancellation);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(reports, SnakeCase.Indented));
            }
            else
            {
                Print(reports, output.Out);
            }

            return Task.FromResult(ExitCode.Done);
        });
    }

    private static PolicyReport[] Replay(
        LoadTrace trace, SimulationOptions options, string policy, CommandOutput output, CancellationToken cancellation)
    {
        PlacementSimulator simulator = new(trace, options, TimeProvider.System);
        using var progress = CountProgress.On(output, "row", trace.Rows.Length);
        SimulationResult unchanged = Run(new KeepPlanner());
        return
        [
            .. PlannerCatalog.All.Where(planner => policy == AllPolicies || planner.Name == policy)
                .Select(planner => PolicyReport.Of(planner is KeepPlanner ? unchanged : Run(planner), unchanged)),
        ];

        SimulationResult Run(IPlanner planner) => simulator.Run(planner, rows =>
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(planner.Name, rows);
        });
    }

    /// <summary>Checks the slots against the layers of the trace.</summary>
    private static void RequireRoom(SimulationOptions options, IReadOnlyList<int> experts)
    {
        foreach (int count in experts.Where(count => count > 0))
        {
            long most = (long)count * (options.Workers - 1);
            UsageException.ThrowUnless(
                options.SpareSlots <= most,
                $"--spare-slots {options.SpareSlots} do not fit {count} experts on --workers {options.Workers}: an expert has at most one replica per worker, so at most {most}.");
        }
    }

    private static void Print(PolicyReport[] reports, TextWriter writer)
    {
        writer.WriteLine($"{"policy",-20}{"ratio <500",12}{"ratio >=500",12}{"worst",8}{"vs static",11}{"vs balanced",13}{"moves",8}{"plan ms",9}");
        foreach (PolicyReport report in reports)
        {
            writer.WriteLine(
                $"{report.Policy,-20}{report.RatioMeanBefore500,12:F3}{report.RatioMeanAfter500,12:F3}{report.RatioWorstAfter500,8:F2}{report.StepTimeVsStatic,11:F2}{report.StepTimeVsBalanced,13:F3}{report.ShardsMovedPerLayerPlan,8:F2}{report.PlanningMilliseconds,9:F2}");
        }

        foreach (PolicyReport report in reports)
        {
            if (report.CopiesAfter500 is { } copies)
            {
                writer.WriteLine(
                    $"{report.Policy}: with copies a layer from step 500 on takes {copies.LayerTimeVsBalanced:F3} of perfect balance, {copies.PerLayer:F1} copies a step, {copies.BytesVsRows:P0} of the rows' bytes.");
            }
        }

        writer.WriteLine("Balance ratios are busiest worker over mean; moves are shards per layer and plan.");
    }
}

/// <summary>One policy's figures, as `moe simulate placement --json` prints them. SimulationResult says what each means.</summary>
internal sealed record PolicyReport(
    string Policy,
    [property: JsonPropertyName("ratio_mean_before_500")] double? RatioMeanBefore500,
    [property: JsonPropertyName("ratio_mean_after_500")] double? RatioMeanAfter500,
    [property: JsonPropertyName("ratio_worst_after_500")] double? RatioWorstAfter500,
    double StepTimeVsStatic,
    double StepTimeVsBalanced,
    int Plans,
    double ShardsMovedPerLayerPlan,
    long BytesMoved,
    [property: JsonPropertyName("planning_ms")] double PlanningMilliseconds,
    [property: JsonPropertyName("copies_after_500"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] CopyReport? CopiesAfter500)
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
        result.PlanningMilliseconds,
        result.Copies is { } copies ? new CopyReport(copies.LayerTimeVsBalanced, copies.PerLayer, copies.BytesVsRows) : null);
}

/// <summary>What transient copies make of it from step 500 on. CopyFigures says what each means.</summary>
internal sealed record CopyReport(double LayerTimeVsBalanced, double PerLayer, double BytesVsRows);
