using System.CommandLine;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Commands;

/// <summary>The option that says where runs lie.</summary>
internal static class RunsOption
{
    public static Option<string> Create() => new("--runs")
    {
        Description = "Folder that holds the runs.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => RunFolder.Runs,
    };
}
