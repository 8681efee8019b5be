using System.CommandLine;

namespace MoEActors.Cli.Invocation;

/// <summary>Options that are texts: names, files, folders.</summary>
internal static class TextOption
{
    /// <summary>A text, or none.</summary>
    public static Option<string?> Optional(string name, string what, string description) => new(name) { Description = description, HelpName = what };

    /// <summary>A text that must be given.</summary>
    public static Option<string> Required(string name, string what, string description) =>
        new(name) { Description = description, HelpName = what, Required = true };

    /// <summary>A text with a default.</summary>
    public static Option<string> WithDefault(string name, string what, string description, string initial) =>
        new(name) { Description = description, HelpName = what, DefaultValueFactory = _ => initial };
}
