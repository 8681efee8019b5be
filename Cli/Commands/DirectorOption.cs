using System.CommandLine;

namespace MoEActors.Cli.Commands;

/// <summary>The option that leaves the placement alone.</summary>
internal static class DirectorOption
{
    public static Option<bool> Create() => new("--no-director")
    {
        Description = "Leave experts where they are; else they follow the load, which changes no bit of a reproducible run.",
    };
}
