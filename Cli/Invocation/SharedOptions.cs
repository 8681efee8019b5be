using System.CommandLine;

namespace MoEActors.Cli.Invocation;

/// <summary>Options that several commands have.</summary>
internal static class SharedOptions
{
    /// <summary>Whether to print a report as JSON.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object." };

    /// <summary>Where to write a result as JSON.</summary>
    public static Option<string?> JsonFile() => new("--json") { Description = "Write the result to a file as JSON.", HelpName = "FILE" };

    /// <summary>Where runs are.</summary>
    public static Option<string> Runs() => new("--runs")
    {
        Description = "Folder that holds the runs.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => OutputPath.Runs,
    };

    /// <summary>Files and folders of text.</summary>
    /// <param name="otherwise">The text that is taken without the option.</param>
    public static Option<string[]> Text(string otherwise) => new("--text")
    {
        Description = $"Files and folders of UTF-8 text; without it, {otherwise}.",
        HelpName = "PATH",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>Whether to leave the placement alone.</summary>
    public static Option<bool> NoDirector() => new("--no-director")
    {
        Description = "Leave experts where they are; else they follow the load, which changes no bit of a reproducible run.",
    };
}
