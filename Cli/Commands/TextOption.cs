using System.CommandLine;

namespace MoEActors.Cli.Commands;

/// <summary>The option that names text.</summary>
internal static class TextOption
{
    public static Option<string[]> Create(string otherwise) => new("--text")
    {
        Description = $"Files and folders of UTF-8 text; without it, {otherwise}.",
        HelpName = "PATH",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };
}
