using System.CommandLine;
using MoEActors.Cli.Commands;
using MoEActors.Cli.Commands.Bench;
using MoEActors.Cli.Commands.Simulate;

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
        RootCommand root = new("Train mixture-of-experts models on a cluster of grains. See also: ./moe test --help, ./moe runtime --help.")
        {
            DemoCommand.Create(),
            TrainCommand.Create(),
            ResumeCommand.Create(),
            StatusCommand.Create(),
            HistoryCommand.Create(),
            EstimateCommand.Create(),
            SimulateCommand.Create(),
            EvaluateCommand.Create(),
            GenerateCommand.Create(),
            DoctorCommand.Create(),
            BenchCommand.Create(),
        };
        return RunAsync(root, arguments, output, error, cancellation);
    }

    /// <summary>Runs a command line of the commands under <paramref name="root"/>.</summary>
    internal static async Task<int> RunAsync(
        RootCommand root, IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        root.Add(new Option<bool>(CommandAction.Verbose) { Description = "Show where an error comes from.", Recursive = true });
        ParseResult parsed = root.Parse(
            arguments.Count == 0 ? ["--help"] : arguments,
            new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            string name = CommandAction.Name(parsed.CommandResult);
            error.WriteLine($"{name}: {Error(parsed)} See {name} --help.");
            return ExitCode.WrongUsage;
        }

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

    /// <summary>One sentence: an unknown argument explains the other errors, so it comes first.</summary>
    private static string Error(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens.Count > 0)
        {
            return $"'{parsed.UnmatchedTokens[0]}' is not known here.";
        }

        string[] choices = [.. parsed.CommandResult.Command.Subcommands.Select(command => command.Name)];
        return choices.Length > 0 ? $"one of {string.Join(", ", choices)} must follow." : parsed.Errors[0].Message;
    }
}
