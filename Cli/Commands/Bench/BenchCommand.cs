using System.CommandLine;
using System.Text.Json;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench`: measurements, each beside a baseline of the same run.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure speed, beside a baseline of the same run.")
    {
        BenchLayerCommand.Create(),
        BenchGemmCommand.Create(),
        BenchStepCommand.Create(),
        BenchDirectorCommand.Create(),
        BenchMovesCommand.Create(),
        BenchSwitchCommand.Create(),
        BenchTelemetryCommand.Create(),
        BenchPlanningCommand.Create(),
        BenchExchangeCommand.Create(),
        BenchExchangeCommand.CreateRank(),
        BenchLayerCommand.CreateParallelism(),
        BenchDashboardCommand.Create(),
        BenchDashboardCommand.CreateViewers(),
    };

    /// <summary>The frame of every measurement: adds --json, and prints what was measured as one object or as text.</summary>
    /// <param name="command">The command, with the options of its own.</param>
    /// <param name="measure">Checks the options and measures.</param>
    /// <param name="print">Prints the report as text.</param>
    public static Command Measures<TReport>(
        this Command command, Func<ParseResult, CommandOutput, CancellationToken, Task<TReport>> measure, Action<TReport, TextWriter> print)
    {
        Option<bool> json = SharedOptions.Json();
        command.Add(json);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            TReport report = await measure(parsed, output, cancellation);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
            }
            else
            {
                print(report, output.Out);
            }

            return ExitCode.Done;
        });
    }

    /// <summary>Whether a measurement that prints on its way must leave the output to the JSON object.</summary>
    public static bool IsJson(this ParseResult parsed) => parsed.GetValue<bool>("--json");
}
