using System.CommandLine;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate`: what would happen, without a cluster.</summary>
internal static class SimulateCommand
{
    public static Command Create() => new("simulate", "Try out placement and parallelism without a cluster.")
    {
        SimulatePlacementCommand.Create(),
        SimulateTraceCommand.Create(),
        SimulateRecordCommand.Create(),
        SimulateParallelismCommand.Create(),
        SimulateLadderCommand.Create(),
    };
}
