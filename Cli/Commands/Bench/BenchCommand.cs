using System.CommandLine;

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
        BenchPlanningCommand.Create(),
    };
}
