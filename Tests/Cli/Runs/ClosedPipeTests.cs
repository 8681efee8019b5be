using System.Diagnostics;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>The program behind `| head`: it ends when nobody reads it any more, and what was learnt is saved.</summary>
public sealed class ClosedPipeTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task What_is_written_for_nobody_ends()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no such pipes here.");
        (int code, string errors) = await BehindAsync(_runs.Train("run", "--steps 1000000"), "grep -m 1 '^step '");
        Assert.Equal(ClosedPipe.Code, code);
        Assert.Equal(RunState.Cancelled, _runs.Folder("run").ReadStatus()!.State);
        Assert.Equal(_runs.Folder("run").ReadStatus()!.Step, CheckpointFolder.Open(_runs.Folder("run").Checkpoint).Step);
        Assert.Contains("the checkpoint is in", errors, StringComparison.Ordinal);

        // It would write for days.
        Assert.Equal((ClosedPipe.Code, ""), await BehindAsync(["generate", "run", "--runs", _runs.Path, "--tokens", "100000000"], "head -c 1"));
    }

    private static async Task<(int Code, string Errors)> BehindAsync(string[] arguments, string reader)
    {
        string command = $"dotnet {Path.Combine(AppContext.BaseDirectory, "moe.dll")} {string.Join(' ', arguments)} | {reader} > /dev/null; exit ${{PIPESTATUS[0]}}";
        using Process program = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardError = true })!;
        try
        {
            Task<string> errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await Deadline.WithinAsync(program.WaitForExitAsync(TestContext.Current.CancellationToken), "the program ended");
            return (program.ExitCode, await errors);
        }
        finally
        {
            program.Kill(entireProcessTree: true);
        }
    }
}
