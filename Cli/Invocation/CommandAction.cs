using System.CommandLine;
using System.CommandLine.Parsing;

namespace MoEActors.Cli.Invocation;

/// <summary>How every command runs: read, validate, run, and turn what is thrown into one line and an exit code.</summary>
internal static class CommandAction
{
    /// <summary>The option, known to every command, that shows the whole exception instead of its message.</summary>
    public const string Verbose = "--verbose";

    /// <summary>Makes <paramref name="run"/> what the command does with the options that <paramref name="read"/> finds.</summary>
    public static void Runs<TOptions>(
        this Command command, Func<ParseResult, TOptions> read, Func<TOptions, CommandOutput, CancellationToken, Task<int>> run)
        where TOptions : ICommandOptions
    {
        command.SetAction(async (parsed, cancellation) =>
        {
            InvocationConfiguration writers = parsed.InvocationConfiguration;
            CommandOutput output = new(writers.Output, writers.Error, parsed.GetValue<bool>(Verbose));
            string name = Name(parsed.CommandResult);
            try
            {
                TOptions options = read(parsed);
                options.Validate();
                return await run(options, output, cancellation);
            }
            catch (UsageException e)
            {
                output.Error.WriteLine($"{name}: {e.Message} See {name} --help.");
                return ExitCode.WrongUsage;
            }
            catch (StoppedException e)
            {
                output.Error.WriteLine($"{name}: {e.Message}");
                return ExitCode.Cancelled;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                output.Error.WriteLine($"{name}: cancelled.");
                return ExitCode.Cancelled;
            }
            catch (Exception e)
            {
                output.Error.WriteLine($"{name}: {(output.Verbose ? e : InOneLine(e))}");
                return ExitCode.Failed;
            }
        });
    }

    /// <summary>A command's full name, as it is typed.</summary>
    public static string Name(CommandResult command) => command.Parent is CommandResult parent
        ? $"{Name(parent)} {command.Command.Name}"
        : "moe";

    /// <summary>The message of the exception that started it, without line breaks.</summary>
    private static string InOneLine(Exception exception)
    {
        while (exception is AggregateException { InnerException: { } first })
        {
            exception = first;
        }

        return string.Join(' ', exception.Message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}

/// <summary>The options of a command, read from its arguments.</summary>
internal interface ICommandOptions
{
    /// <summary>Checks what concerns several options at once; each alone has been checked when it was read.</summary>
    /// <exception cref="UsageException">Options contradict each other; the message names them.</exception>
    void Validate()
    {
    }
}

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Cancelled = 130;
}

/// <summary>Arguments that are well-formed one by one and wrong together. The message names them.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>A command was cancelled and has cleaned up. The message says where it stopped and how to go on.</summary>
internal sealed class StoppedException(string message, CancellationToken cancellation) : OperationCanceledException(message, cancellation);
