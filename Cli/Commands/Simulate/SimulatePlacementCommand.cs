using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate placement`: what each placement policy would have made of a recorded load.</summary>
internal sealed class SimulatePlacementCommand
{
    private const string AllPolicies = "all";

    private static readonly SimulatePlacementOptions Defaults = new();

    private readonly Option<string> _trace = new("--trace")
    {
        Description = "The load: a CSV file step,layer,expert,tokens.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<int> _workers = NumberOption.Count("--workers", "Number of workers.", Defaults.Workers);

    private readonly Option<int> _hosts = NumberOption.Count("--hosts", "Number of hosts that the workers are on.", Defaults.Hosts);

    private readonly Option<int> _spareSlots =
        NumberOption.Count("--spare-slots", "Slots of a layer beyond one per expert, on all workers together.", Defaults.SpareSlots, least: 0);

    private readonly Option<string> _policy = new("--policy")
    {
        Description = $"{string.Join(", ", PlannerCatalog.All.Select(planner => planner.Name))}, or {AllPolicies}.",
        HelpName = "P",
        DefaultValueFactory = _ => Defaults.Policy,
    };

    private readonly Option<int> _every = NumberOption.Count("--every", "Plan at every so many rows.", Defaults.Every);

    private readonly Option<bool> _reproducible = new("--reproducible") { Description = "Replicas serve whole micro-batches, 8 per step." };

    private readonly Option<bool> _json = new("--json") { Description = "Print a JSON array, one object per policy." };

    public static Command Create() => new SimulatePlacementCommand().Build();

    private Command Build()
    {
        _policy.Validators.Add(result =>
        {
            string name = result.Tokens.Count > 0 ? result.Tokens[0].Value : AllPolicies;
            if (name != AllPolicies && PlannerCatalog.All.All(planner => planner.Name != name))
            {
                result.AddError($"--policy must be one of {_policy.Description} '{name}' is not.");
            }
        });
        Command command = new("placement", "Replay a recorded load under placement policies.")
        {
            _trace, _workers, _hosts, _spareSlots, _policy, _every, _reproducible, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private SimulatePlacementOptions Read(ParseResult parsed) => new()
    {
        Trace = parsed.GetRequiredValue(_trace),
        Workers = parsed.GetValue(_workers),
        Hosts = parsed.GetValue(_hosts),
        SpareSlots = parsed.GetValue(_spareSlots),
        Policy = parsed.GetRequiredValue(_policy),
        Every = parsed.GetValue(_every),
        Reproducible = parsed.GetValue(_reproducible),
        Json = parsed.GetValue(_json),
    };

    private static Task<int> Run(SimulatePlacementOptions options, CommandOutput output, CancellationToken cancellation)
    {
        LoadTrace trace = TraceReader.Read(options.Trace);
        options.ValidateAgainst(trace.Experts);
        PlacementSimulator simulator = new(
            trace,
            new SimulationOptions
            {
                Workers = options.Workers,
                Hosts = options.Hosts,
                SpareSlots = options.SpareSlots,
                Every = options.Every,
                Quotas = options.Reproducible ? new MicroBatchQuotas() : new TokenQuotas(),
            },
            TimeProvider.System);
        var progress = CountProgress.On(output, "row", trace.Rows.Length);
        SimulationResult unchanged = Replay(new KeepPlanner());
        PolicyReport[] reports =
        [
            .. PlannerCatalog.All.Where(planner => options.Policy == AllPolicies || planner.Name == options.Policy)
                .Select(planner => PolicyReport.Of(planner is KeepPlanner ? unchanged : Replay(planner), unchanged)),
        ];
        progress?.Clear();
        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(reports, SnakeCase.Indented));
        }
        else
        {
            Print(reports, output.Out);
        }

        return Task.FromResult(ExitCode.Done);

        SimulationResult Replay(IPlanner planner) => simulator.Run(planner, rows =>
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(planner.Name, rows);
        });
    }

    private static void Print(PolicyReport[] reports, TextWriter writer)
    {
        writer.WriteLine($"{"policy",-20}{"ratio <500",12}{"ratio >=500",12}{"worst",8}{"vs static",11}{"vs balanced",13}{"moves",8}{"plan ms",9}");
        foreach (PolicyReport report in reports)
        {
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Policy,-20}{report.RatioMeanBefore500,12:F3}{report.RatioMeanAfter500,12:F3}{report.RatioWorstAfter500,8:F2}{report.StepTimeVsStatic,11:F2}{report.StepTimeVsBalanced,13:F3}{report.ShardsMovedPerLayerPlan,8:F2}{report.PlanningMilliseconds,9:F2}"));
        }

        writer.WriteLine("Balance ratios are busiest worker over mean; moves are shards per layer and plan.");
    }
}

/// <summary>What `moe simulate placement` is asked to do.</summary>
internal sealed record SimulatePlacementOptions : ICommandOptions
{
    /// <summary>The trace.</summary>
    public string Trace { get; init; } = "";

    /// <summary>Number of workers.</summary>
    public int Workers { get; init; } = 8;

    /// <summary>Number of hosts that the workers are on.</summary>
    public int Hosts { get; init; } = 1;

    /// <summary>Slots of a layer beyond one per expert, on all workers together.</summary>
    public int SpareSlots { get; init; } = 8;

    /// <summary>Name of a policy, or "all".</summary>
    public string Policy { get; init; } = "all";

    /// <summary>A plan is made at every so many rows.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Whether replicas serve whole micro-batches.</summary>
    public bool Reproducible { get; init; }

    /// <summary>Whether to print a JSON array instead of a table.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (!File.Exists(Trace))
        {
            throw new UsageException($"--trace {Trace} is no file.");
        }

        if (Workers % Hosts != 0)
        {
            throw new UsageException($"--workers {Workers} do not divide evenly over --hosts {Hosts}.");
        }
    }

    /// <summary>Checks the slots against the trace.</summary>
    /// <exception cref="UsageException">They do not fit a layer.</exception>
    public void ValidateAgainst(IReadOnlyList<int> experts)
    {
        foreach (int count in experts)
        {
            long most = (long)count * (Workers - 1);
            if (count > 0 && SpareSlots > most)
            {
                throw new UsageException(
                    $"--spare-slots {SpareSlots} do not fit {count} experts on --workers {Workers}: an expert has at most one replica per worker, so at most {most}.");
            }
        }
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
