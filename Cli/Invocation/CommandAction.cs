using System.CommandLine;
using System.CommandLine.Parsing;

namespace MoEActors.Cli.Invocation;

/// <summary>How every command runs, and how what is thrown becomes one line and an exit code.</summary>
internal static class CommandAction
{
    /// <summary>The option, known to every command, that shows the whole exception instead of its message.</summary>
    public const string Verbose = "--verbose";

    /// <summary>Makes <paramref name="run"/> what the command does: it reads and checks its options, and returns the exit code.</summary>
    public static Command Runs(this Command command, Func<ParseResult, CommandOutput, CancellationToken, Task<int>> run)
    {
        command.SetAction(async (parsed, cancellation) =>
        {
            InvocationConfiguration writers = parsed.InvocationConfiguration;
            CommandOutput output = new(writers.Output, writers.Error, parsed.GetValue<bool>(Verbose));
            string name = Name(parsed.CommandResult);
            try
            {
                return await run(parsed, output, cancellation);
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
            catch (Exception e) when (cancellation.IsCancellationRequested && IsCancellation(e))
            {
                if (!output.IsUnread)
                {
                    output.Error.WriteLine($"{name}: cancelled.");
                }

                return ExitCode.Cancelled;
            }
            catch (Exception e)
            {
                output.Error.WriteLine($"{name}: {(output.Verbose ? e : Scarcity.Advice(e) ?? InOneLine(e))}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    /// <summary>A command's full name, as it is typed.</summary>
    public static string Name(CommandResult command) => command.Parent is CommandResult parent
        ? $"{Name(parent)} {command.Command.Name}"
        : "moe";

    private static bool IsCancellation(Exception exception) => exception switch
    {
        OperationCanceledException => true,
        AggregateException all => all.InnerExceptions.All(IsCancellation),
        _ => false,
    };

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

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Cancelled = 130;
}

/// <summary>Arguments that are well-formed one by one and wrong together. The message names them, in one line whatever is in them, or one for each mistake.</summary>
internal sealed class UsageException : Exception
{
    public UsageException(string message)
        : base(VisibleText.OfName(message))
    {
    }

    /// <summary>Several mistakes at once.</summary>
    /// <param name="what">Where they are.</param>
    /// <param name="mistakes">The mistakes.</param>
    /// <param name="advice">Where to read on.</param>
    public UsageException(string what, IEnumerable<string> mistakes, string advice)
        : base(string.Join(Environment.NewLine, [VisibleText.OfName(what), .. mistakes.Select(mistake => $"  {VisibleText.OfName(mistake)}"), advice]))
    {
    }

    public static void ThrowUnless(bool holds, string message)
    {
        if (!holds)
        {
            throw new UsageException(message);
        }
    }
}

/// <summary>A command was cancelled and has cleaned up. The message says where it stopped and how to go on.</summary>
internal sealed class StoppedException(string message, CancellationToken cancellation) : OperationCanceledException(message, cancellation);
