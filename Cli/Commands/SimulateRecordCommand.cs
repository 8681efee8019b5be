using System.CommandLine;
using System.Globalization;
using MoEActors.Cli.Bench;
using MoEActors.Cli.Simulation;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands;

/// <summary>`moe simulate record`: trains, and writes the load that the gates made.</summary>
internal sealed class SimulateRecordCommand
{
    private static readonly SimulateRecordOptions Defaults = new();

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Record the run of a JSON file (see docs/configuration.md) instead of the demo's.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _text = TextOption.Create("that of the file, or the .NET documentation");

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos; the load is the same on any.", Defaults.Silos);

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Steps to train.", Defaults.Steps);

    private readonly Option<int> _every = NumberOption.Count("--every", "Sample every so many steps.", Defaults.Every);

    private readonly Option<bool> _turn = new("--turn") { Description = "Let the text change its subject half-way, as in the demo: first its first half, then the other." };

    private readonly Option<string> _out = new("--out") { Description = "File to write.", HelpName = "FILE", Required = true };

    public static Command Create() => new SimulateRecordCommand().Build();

    private Command Build()
    {
        Command command = new("record", "Train, and write the load that the gates made, for moe simulate placement.")
        {
            _config, _text, _silos, _steps, _every, _turn, _out,
        };
        command.Runs(
            parsed => new SimulateRecordOptions
            {
                Config = parsed.GetValue(_config),
                Text = parsed.GetValue(_text) ?? [],
                Silos = parsed.GetValue(_silos),
                Steps = parsed.GetValue(_steps),
                Every = parsed.GetValue(_every),
                Turn = parsed.GetValue(_turn),
                Out = parsed.GetRequiredValue(_out),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(SimulateRecordOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainedRun run = TrainedRun.Read(options.Config, output, options.Text).OfSteps(options.Steps);
        int told = Math.Max(1, options.Steps / 10);
        LoadTrace trace = await TraceRecording.RecordAsync(
            run,
            options.Silos,
            options.Steps,
            options.Every,
            options.Turn ? options.Steps / 2 : null,
            step => Tell(step, told, options.Steps, output.Error),
            cancellation);
        using StreamWriter writer = new(options.Out);
        TraceWriter.Write(trace, writer);
        output.Out.WriteLine($"{trace.Rows.Length} sampled steps of {trace.Experts.Length} layers written to {options.Out}.");
        return ExitCode.Done;
    }

    private static void Tell(StepOutcome step, int told, int steps, TextWriter writer)
    {
        if (step.Step % told == 0)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {step.Step:N0}/{steps:N0}  loss {step.CrossEntropy:0.000}"));
        }
    }
}
