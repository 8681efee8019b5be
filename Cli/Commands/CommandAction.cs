using System.CommandLine;

namespace MoEActors.Cli.Commands;

/// <summary>How every command runs: read, validate, run, and turn what is thrown into one line and an exit code.</summary>
internal static class CommandAction
{
    /// <summary>Makes <paramref name="run"/> what the command does with the options that <paramref name="read"/> finds.</summary>
    public static void Runs<TOptions>(
        this Command command, Func<ParseResult, TOptions> read, Func<TOptions, CommandOutput, CancellationToken, Task<int>> run)
        where TOptions : ICommandOptions
    {
        command.SetAction(async (parsed, cancellation) =>
        {
            InvocationConfiguration writers = parsed.InvocationConfiguration;
            CommandOutput output = new(writers.Output, writers.Error, parsed.GetValue<bool>(CommandLine.Verbose));
            string name = CommandLine.Name(parsed.CommandResult);
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
