using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench switch`: what a change of placement costs that is made beside the steps.</summary>
internal sealed class BenchSwitchCommand
{
    private static readonly BenchSwitchOptions Defaults = new();

    private readonly Option<int> _switches = NumberOption.Count("--switches", "Changes of placement; the median counts.", Defaults.Switches);

    private readonly Option<int> _every = NumberOption.Count("--every", "Steps from one change to the next.", Defaults.Every);

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchSwitchCommand().Build();

    private Command Build()
    {
        Command command = new("switch", "Let experts of 24 MB change their worker beside the steps, as the director does, and time those steps.")
        {
            _switches, _every, _silos, _json,
        };
        command.Runs(
            parsed => new BenchSwitchOptions
            {
                Switches = parsed.GetValue(_switches),
                Every = parsed.GetValue(_every),
                Silos = parsed.GetValue(_silos),
                Json = parsed.GetValue(_json),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(BenchSwitchOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var progress = CountProgress.On(output, "step", PlacementChangeBenchmark.StepsOf(options.Switches, options.Every));
        PlacementChangeReport report = await PlacementChangeBenchmark.RunAsync(
            PlacementChangeModel.Run, options.Silos, options.Switches, options.Every, progress, cancellation);
        progress?.Clear();
        output.Out.WriteLine(options.Json
            ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Switches} changes of placement, {report.BytesPerSwitch / 1e6:F0} MB each, on {report.Silos} silos: median step {report.MedianSeconds * 1e3:F1} ms; a change adds {report.ExtraSeconds * 1e3:F1} ms ({report.ExtraShare:P1} of a step: {report.ExtraShareWith:P1} beside, {report.ExtraShareAfter:P1} after), at worst {report.WorstShare:P0}; the slowest step without one {report.WorstPlainShare:P0} above the median"));
        return ExitCode.Done;
    }
}

/// <summary>What `moe bench switch` is asked to do.</summary>
internal sealed record BenchSwitchOptions : ICommandOptions
{
    /// <summary>Changes of placement.</summary>
    public int Switches { get; init; } = 60;

    /// <summary>Steps from one change to the next.</summary>
    public int Every { get; init; } = 4;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of a line.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves no other worker to move an expert to.");
        }

        // A change disturbs two steps, and the one to compare with must not be where the next may land.
        if (Every < 4)
        {
            throw new UsageException($"--every {Every} leaves no steps to compare with; at least 4 are needed.");
        }
    }
}
