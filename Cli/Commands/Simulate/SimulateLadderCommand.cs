using System.CommandLine;
using System.Text.Json;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate ladder`: the single-layer study of Tutel, technique by technique, beside what was published.</summary>
internal static class SimulateLadderCommand
{
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "Print a JSON array, one object per number of GPUs." };
        Command command = new("ladder", "What each technique brings to one MoE layer on 16 to 2,048 A100s, beside Tutel's published figures.") { json };
        return command.Runs((parsed, output, _) =>
        {
            LadderReport[] reports = [.. TutelLadder.Climb().Select(LadderReport.Of)];
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

    private static void Print(LadderReport[] reports, TextWriter writer)
    {
        LadderStep[] steps = [.. Enum.GetValues<LadderStep>().Skip(1)];
        writer.WriteLine($"{"GPUs",5}{"base ms",10}{string.Concat(steps.Select(step => $"{step.ToString().ToLowerInvariant(),20}"))}{"end to end",20}  choice");
        foreach (LadderReport report in reports)
        {
            writer.WriteLine(
                $"{report.Gpus,5}{report.Steps[0].Ms,10:F1}{string.Concat(report.Steps.Skip(1).Select(step => $"{Beside(step.SpeedUp, step.Published),20}"))}{Beside(report.SpeedUp, report.PublishedSpeedUp),20}  {report.Pipelined}");
        }

        writer.WriteLine("Speed-ups of each technique over the one before it, in brackets what was published; end to end is without parallelism. Modelled, not measured.");
    }

    private static string Beside(double speedUp, double? published) => published is { } figure ? $"{speedUp:F2} ({figure:F2})" : $"{speedUp:F2}";
}

/// <summary>One number of GPUs, as `moe simulate ladder --json` prints it. LadderRow says what each means.</summary>
internal sealed record LadderReport(
    int Gpus, LadderStepReport[] Steps, string Pipelined, string Adaptive, double SpeedUp, double? PublishedSpeedUp)
{
    public static LadderReport Of(LadderRow row) => new(
        row.Workers,
        [.. row.Steps.Select(step => new LadderStepReport(step.Step, 1e3 * step.Seconds, step.SpeedUp, step.Published))],
        row.Pipelined.ToString(),
        row.Adaptive.ToString(),
        row.SpeedUp,
        row.Published);
}

/// <summary>One technique of a <see cref="LadderReport"/>.</summary>
internal sealed record LadderStepReport(LadderStep Technique, double Ms, double SpeedUp, double? Published);
