using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Bench;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands;

/// <summary>`moe bench switch`: what a change of placement costs that is made beside the steps.</summary>
internal sealed class BenchSwitchCommand
{
    private static readonly BenchSwitchOptions Defaults = new();

    private readonly Option<int> _switches = NumberOption.Count("--switches", "Changes of placement; the median counts.", Defaults.Switches);

    private readonly Option<int> _every = NumberOption.Count("--every", "Steps from one change to the next.", Defaults.Every);

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object." };

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
        var progress = CountProgress.On(output, "step", SwitchBenchmark.StepsOf(options.Switches, options.Every));
        SwitchReport report = await SwitchBenchmark.RunAsync(
            SwitchModel.Run, options.Silos, options.Switches, options.Every, progress, cancellation);
        output.Out.WriteLine(options.Json
            ? JsonSerializer.Serialize(report)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Switches} changes of placement, {report.BytesPerSwitch / 1e6:F0} MB each, on {report.Silos} silos: median step {report.MedianSeconds * 1e3:F1} ms; a change adds {report.ExtraSeconds * 1e3:F1} ms ({report.ExtraShare:P1} of a step: {report.ExtraWith:P1} beside, {report.ExtraAfter:P1} after), at worst {report.WorstShare:P0}; the slowest step without one {report.WorstPlainShare:P0} above the median"));
        return ExitCode.Done;
    }
}
