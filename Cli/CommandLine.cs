using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using MoEActors.Cli.Commands;
using MoEActors.Cli.Commands.Bench;
using MoEActors.Cli.Commands.Simulate;
using MoEActors.Client.Configuration;

namespace MoEActors.Cli;

/// <summary>The `moe` program: its commands, and how it answers wrong usage.</summary>
internal static class CommandLine
{
    /// <summary>How long a cancelled command may take to end its step, save and stop its cluster before the process ends anyway.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Runs a command line and returns the exit code.</summary>
    public static Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellation = default)
    {
        RootCommand root = new("Train mixture-of-experts models on a cluster of grains. See also: ./moe test --help."
            + " Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled (Ctrl-C or SIGTERM), 129 its terminal was closed, 141 the reader of its output is gone.")
        {
            DemoCommand.Create(),
            TrainCommand.Create(),
            ResumeCommand.Create(),
            StopCommand.Create(),
            StatusCommand.Create(),
            TopCommand.Create(),
            HistoryCommand.Create(),
            PlotCommand.Create(),
            CompareCommand.Create(),
            RunsCommand.Create(),
            EstimateCommand.Create(),
            SimulateCommand.Create(),
            EvaluateCommand.Create(),
            GenerateCommand.Create(),
            ChaosCommand.Create(),
            SoakCommand.Create(),
            SiloCommand.Create(),
            ClusterCommand.Create(),
            StoreCommand.Create(),
            DoctorCommand.Create(),
            GpuCheckCommand.Create(),
            BenchCommand.Create(),
        };
        return RunAsync(root, arguments, output, error, cancellation);
    }

    /// <summary>Runs a command line of the commands under <paramref name="root"/>.</summary>
    internal static async Task<int> RunAsync(
        RootCommand root, IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        root.Add(new Option<bool>(CommandAction.Verbose) { Description = "Show where an error comes from.", Recursive = true });

        // A terminal's lines end between words anyway (see WordFlow); half of its width is no room for the long ones.
        root.Options.OfType<HelpOption>().Single().Action = new HelpAction { MaxWidth = short.MaxValue };
        ParseResult parsed = root.Parse(
            arguments.Count == 0 ? ["--help"] : arguments[0] == "help" ? [.. arguments.Skip(1), "--help"] : arguments,
            new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });

        // Help forgives every error; help on what is unknown would be that of something else.
        if (parsed.Errors.Count > 0 || parsed.UnmatchedTokens.Count > 0 || Swallowed(parsed) is not null)
        {
            string name = CommandAction.Name(parsed.CommandResult);
            error.WriteLine($"{name}: {VisibleText.OfName(Error(parsed))} See {name} --help.");
            return ExitCode.WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = TerminationTimeout,
                },
                cancellation);
        }
        catch (LostOutputException e)
        {
            // Commands catch it themselves; help is written outside of them.
            error.WriteLine($"moe: {e.Message}");
            return ExitCode.Failed;
        }
    }

    /// <summary>One sentence: an unknown argument explains the other errors, so it comes first.</summary>
    private static string Error(ParseResult parsed)
    {
        if (Swallowed(parsed) is { } swallowed)
        {
            return swallowed;
        }

        string[] options = [.. Options(parsed.CommandResult)];
        if (parsed.UnmatchedTokens.Count > 0)
        {
            string unknown = parsed.UnmatchedTokens[0];
            if (options.Contains(unknown))
            {
                return $"{unknown} must stand behind the command.";
            }

            string? meant = Suggestion.For(unknown, unknown.StartsWith('-') ? options : Subcommands(parsed.CommandResult));
            return $"'{unknown}' is not known here.{(meant is null ? "" : $" Did you mean {meant}?")}";
        }

        string[] choices = [.. Subcommands(parsed.CommandResult)];
        return choices.Length > 0 ? $"one of {string.Join(", ", choices)} must follow." : string.Join(' ', parsed.Errors.Select(error => error.Message).Distinct());
    }

    /// <summary>An option that was left without its value has taken the next option for it.</summary>
    private static string? Swallowed(ParseResult parsed) => (
        from given in parsed.CommandResult.Children.OfType<OptionResult>()
        where given.Tokens is [{ Value: var first }, ..] && Options(parsed.CommandResult).Contains(first)
        select $"{given.Option.Name} needs a value; {given.Tokens[0].Value} behind it is the next option.").FirstOrDefault();

    private static IEnumerable<string> Subcommands(CommandResult result) => result.Command.Subcommands.Where(command => !command.Hidden).Select(command => command.Name);

    /// <summary>Options of a command, and those that all commands of one around it have.</summary>
    private static IEnumerable<string> Options(CommandResult result, bool onlyForAll = false) => result.Command.Options
        .Where(option => option.Recursive || !onlyForAll)
        .Select(option => option.Name)
        .Concat(result.Parent is CommandResult parent ? Options(parent, onlyForAll: true) : []);
}
