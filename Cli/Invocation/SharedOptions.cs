using System.CommandLine;
using MoEActors.Client.Tokens;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;

namespace MoEActors.Cli.Invocation;

/// <summary>Options that several commands have.</summary>
internal static class SharedOptions
{
    public const int DefaultSilos = 4;
    public const long DefaultSeed = 1;

    private const string NameOfRun = "Name of the run: its folder below runs/";

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object." };

    /// <summary>The result as JSON: printed, or written to a file where one is named.</summary>
    public static Option<string?> JsonOrFile() => new("--json")
    {
        Description = "Print one JSON object, or write it to a file.",
        HelpName = "FILE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public static Option<string?> JsonFile() => TextOption.Optional("--json", "FILE", "Write the result to a file as JSON.");

    public static Option<string> Out() => TextOption.Required("--out", "FILE", "File to write.");

    public static Option<string> Runs() => TextOption.WithDefault("--runs", "FOLDER", "Folder that holds the runs.", OutputPath.Runs);

    public static Argument<string> RunName() => new("NAME") { Description = NameOfRun + "." };

    /// <summary>The name of a run that need not be given.</summary>
    /// <param name="more">What else there is to say of it.</param>
    public static Argument<string?> OptionalRunName(string more) => new("NAME") { Description = $"{NameOfRun}{more}.", Arity = ArgumentArity.ZeroOrOne };

    public static Option<int> Silos(string description = "Number of embedded silos.") =>
        NumberOption.Count("--silos", description, DefaultSilos, most: EmbeddedClusterOptions.MostSilos);

    /// <summary>What the silos of this process compute on.</summary>
    public static Option<string> Device() => TextOption.WithDefault(
        "--device", "DEVICE", "What silos compute on: cpu, cuda for every GPU of this machine, or cuda:0,1 for some; cuda/bf16 computes in bfloat16, cuda/tf32 rounds operands.", DeviceChoice.Cpu);

    /// <summary>The device that was asked for, if this machine has it.</summary>
    /// <exception cref="UsageException">It is none, or not here.</exception>
    public static string DeviceOf(string text) =>
        Choice(text).Problem() is { } problem ? throw new UsageException($"--device {text}: {problem}") : text;

    /// <summary>The file of a run that takes the place of the demo's.</summary>
    /// <param name="verb">What the command does with the run.</param>
    public static Option<string?> InsteadOfDemo(string verb) =>
        TextOption.Optional("--config", "FILE", $"{verb} the run of a JSON file (see docs/configuration.md) instead of the demo's.");

    /// <summary>Files and folders of text.</summary>
    /// <param name="otherwise">The text that is taken without the option.</param>
    public static Option<string[]> Text(string otherwise) => new("--text")
    {
        Description = $"Files and folders of UTF-8 text, or of records (.jsonl); without it, {otherwise}.",
        HelpName = "PATH",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>What tokens are.</summary>
    /// <param name="otherwise">What they are without the option.</param>
    public static Option<string?> Tokenizer(string otherwise) => TextOption.Optional(
        "--tokenizer", "NAME", $"What tokens are: {string.Join(", ", TokenizerChoice.Names)}, or the path of a tokenizer.json of byte-level BPE, or of its folder; without it, {otherwise}.");

    public static Option<bool> NoDirector() => new("--no-director")
    {
        Description = "Leave experts where they are; else they follow the load, which changes no bit of a reproducible run.",
    };

    /// <summary>The device that was asked for, whether this machine has it or not.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static DeviceChoice Choice(string text)
    {
        try
        {
            return DeviceChoice.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException($"--device {e.Message}");
        }
    }
}
