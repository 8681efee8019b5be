using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench director`: what the director makes of a skewed load.</summary>
internal sealed class BenchDirectorCommand
{
    private static readonly BenchDirectorOptions Defaults = new();

    private readonly Option<int> _warmup =
        NumberOption.Count("--warmup", "Steps before those that are measured; the director acts in them.", Defaults.Warmup);

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Measured steps; the median counts.", Defaults.Steps);

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos, of one thread each.", Defaults.Silos);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchDirectorCommand().Build();

    private Command Build()
    {
        Command command = new("director", "Train under a skewed load without and with the director, in turns, and compare.")
        {
            _warmup, _steps, _silos, _json,
        };
        command.Runs(
            parsed => new BenchDirectorOptions
            {
                Warmup = parsed.GetValue(_warmup),
                Steps = parsed.GetValue(_steps),
                Silos = parsed.GetValue(_silos),
                Json = parsed.GetValue(_json),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(BenchDirectorOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var progress = CountProgress.On(output, "step", options.Warmup + options.Steps);
        DirectorBenchmarkReport report = await DirectorBenchmark.RunAsync(
            DirectorBenchmark.Model, DirectorBenchmark.Sequences, options.Silos, options.Warmup, options.Steps, progress, cancellation);
        progress?.Clear();
        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            return ExitCode.Done;
        }

        Print("reproducible", report.Reproducible, output.Out);
        Print("fractional", report.Fractional, output.Out);
        return ExitCode.Done;
    }

    private static void Print(string mode, DirectorComparison found, TextWriter writer) => writer.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{mode}: {found.MoESecondsWithout * 1e3:F1} ms a step in MoE layers without, {found.MoESecondsWith * 1e3:F1} ms with the director ({found.MoETimeRatio:F2} times less); the busiest worker computes {found.BusiestWorkerSecondsWithout * 1e3:F1} ms without, {found.BusiestWorkerSecondsWith * 1e3:F1} ms with ({found.BusiestWorkerRatio:F2} times less); balance ratio {found.BalanceRatioWithout:F2} without, {found.BalanceRatioWith:F2} with, from step {found.BalancedFromStep?.ToString(CultureInfo.InvariantCulture) ?? "-"}; {found.Decisions} decisions, {found.ShardsMoved} shards and {found.BytesMoved / 1e6:F0} MB moved; losses {(found.LossesIdentical ? "identical" : string.Create(CultureInfo.InvariantCulture, $"within {found.LossesApart:E0}"))}"));
}

/// <summary>What `moe bench director` is asked to do.</summary>
internal sealed record BenchDirectorOptions : ICommandOptions
{
    /// <summary>Steps of each model before those that are measured.</summary>
    public int Warmup { get; init; } = 4;

    /// <summary>Measured steps of each model.</summary>
    public int Steps { get; init; } = 8;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves the director nothing to do.");
        }
    }
}
