using System.CommandLine;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Silos;
using MoEActors.Cli.Supervision;

namespace MoEActors.Cli.Commands;

/// <summary>`moe cluster`: a cluster of several processes on this machine.</summary>
internal static class ClusterCommand
{
    public static Command Create()
    {
        Option<int> silos = SharedOptions.Silos("Number of silos, each a process with its share of the cores and the memory.");
        Option<string> runs = SharedOptions.Runs();
        Option<string?> level = TextOption.Optional(LogLevelValue.Option, LogLevelValue.What, LogLevelValue.Description);
        Command command = new(
            "cluster", "Run a cluster of several processes on this machine: silos that are started again when they die, and a store that keeps what it is given.")
        {
            silos, runs, level,
        };
        DashboardOptions dashboard = new DashboardOptions().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            string? least = parsed.GetValue(level);
            if (least is not null)
            {
                // Refused here, once, and not by every silo.
                SiloSettings.Require(LogLevelValue, least);
            }

            DashboardChoice chosen = dashboard.Of(parsed);
            using SecondSignal second = SecondSignal.EndsAtOnce();
            ClusterFolder folder = ClusterFolder.Beside(parsed.GetRequiredValue(runs));
            await new ClusterSupervisor(folder, new ClusterPlan(parsed.GetValue(silos)) { LogLevel = least, Dashboard = chosen }, new PrefixedLog(output).Write).RunAsync(cancellation);
            return second.CodeOfEnd;
        });
    }

    private static SiloValue LogLevelValue { get; } = SiloValue.Of("logLevel");
}
