using System.CommandLine;
using MoEActors.Cli;

namespace MoEActors.Tests.Cli;

/// <summary>A run of the program inside the test's process, and what it wrote.</summary>
internal sealed record CommandLineRun(int ExitCode, string Output, string Error)
{
    public static Task<CommandLineRun> Of(params string[] arguments) =>
        Write((output, error) => CommandLine.RunAsync(arguments, output, error, CancellationToken.None));

    public static Task<CommandLineRun> Of(RootCommand root, string[] arguments, CancellationToken cancellation = default) =>
        Write((output, error) => CommandLine.RunAsync(root, arguments, output, error, cancellation));

    private static async Task<CommandLineRun> Write(Func<TextWriter, TextWriter, Task<int>> run)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int exitCode = await run(output, error);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }
}
