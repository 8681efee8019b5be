using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench step`: where the time of a training step goes.</summary>
internal sealed class BenchStepCommand
{
    private static readonly BenchStepOptions Defaults = new();

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Measure the run of a JSON file (see docs/configuration.md) instead of the demo's.",
        HelpName = "FILE",
    };

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Measured steps; the mean counts.", Defaults.Steps);

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchStepCommand().Build();

    private Command Build()
    {
        Command command = new("step", "Show where the time of a training step goes: experts, attention, exchange, grain calls.")
        {
            _config, _steps, _silos, _json,
        };
        command.Runs(
            parsed => new BenchStepOptions
            {
                Config = parsed.GetValue(_config),
                Steps = parsed.GetValue(_steps),
                Silos = parsed.GetValue(_silos),
                Json = parsed.GetValue(_json),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(BenchStepOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainedRun run = ConfiguredRun.Read(options.Config, output);
        var progress = CountProgress.On(output, "step", StepBenchmark.StepsFor(options.Steps));
        StepBenchmarkReport report = await StepBenchmark.RunAsync(run, options.Silos, options.Steps, progress, cancellation);
        progress?.Clear();
        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            return ExitCode.Done;
        }

        StepShares shares = report.Shares;
        StepShares busy = report.Busy;
        (string Name, double Share, double Busy)[] rows =
        [
            ("experts", shares.Experts, busy.Experts),
            ("attention", shares.Attention, busy.Attention),
            ("exchange", shares.Exchange, busy.Exchange),
            ("control plane", shares.ControlPlane, busy.ControlPlane),
            ("gate", shares.Gate, busy.Gate),
            ("dense", shares.Dense, busy.Dense),
            ("gradients", shares.Gradients, busy.Gradients),
            ("update", shares.Update, busy.Update),
        ];
        output.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.SecondsPerStep * 1e3:F1} ms a step on {report.Silos} silos, {report.TokensPerSecond:N0} tokens/s; {report.Accounted:P1} of it timed, {report.ProcessorShareOutsideWorkers:P1} of the processor time outside the workers"));
        foreach ((string name, double share, double computing) in rows)
        {
            output.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-14}{share,7:P1}   of that computing {computing,7:P1}"));
        }

        PlainLoopReport plain = report.PlainLoop;
        output.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.ProcessorSecondsPerStep * 1e3:F1} ms of processor time a step, {report.BackgroundProcessorShare:P1} of it spent by idle silos as well"));
        output.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"the same workers in a plain loop, {plain.Blocks} blocks in turns, same losses: {plain.SecondsPerStep * 1e3:F1} ms a step, {plain.ProcessorSecondsPerStep * 1e3:F1} ms of processor time, {plain.ProcessorShareOutsideWorkers:P1} of it outside the workers"));
        output.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  cluster over loop: processor time {plain.ProcessorRatio:F3} (median of blocks {plain.ProcessorRatioMedian:F3}), time {plain.SecondsRatio:F3} (median {plain.SecondsRatioMedian:F3}), workers' processor time {plain.WorkersRatio:F3}"));
        return ExitCode.Done;
    }
}

/// <summary>What `moe bench step` is asked to do.</summary>
internal sealed record BenchStepOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 300;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }
}
