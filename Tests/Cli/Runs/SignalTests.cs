using System.Diagnostics;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>The program as a process, and what the system tells it.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("HUP", Hangup.Code)]
    [InlineData("TERM", ExitCode.Cancelled)]
    [InlineData("INT", ExitCode.Cancelled)]
    public async Task A_run_that_is_told_to_end_saves_first(string signal, int code)
    {
        using Process program = Start("exec", "--steps 100000");
        await ReadUntilAsync(program, "step ");
        await SignalAsync(program, signal);
        Assert.Equal(code, await EndAsync(program));
        Assert.Equal(RunState.Cancelled, _runs.Folder("run").ReadStatus()!.State);
        Assert.Equal(_runs.Folder("run").ReadStatus()!.Step, CheckpointFolder.Open(_runs.Folder("run").Checkpoint).Step);
    }

    [Fact]
    public async Task A_run_that_is_to_outlive_its_terminal_does()
    {
        using Process program = Start("trap '' HUP; exec", "--steps 60");
        await ReadUntilAsync(program, "step ");
        await SignalAsync(program, "HUP");
        Assert.Equal(ExitCode.Done, await EndAsync(program));
        Assert.Equal(60, CheckpointFolder.Open(_runs.Folder("run").Checkpoint).Step);
    }

    [Theory]
    [InlineData("INT", ExitCode.Cancelled)]
    [InlineData("HUP", Hangup.Code)]
    public async Task A_cluster_that_is_starting_can_be_given_up(string signal, int code)
    {
        using Process program = Start("exec", "--steps 100000");
        Task<string> errors = program.StandardError.ReadToEndAsync(Cancellation);
        await ReadUntilAsync(program, "Text: ");
        await SignalAsync(program, signal);
        Assert.Equal(code, await EndAsync(program));
        Assert.DoesNotContain("task was canceled", await errors, StringComparison.Ordinal);
        Assert.Equal(RunState.Cancelled, _runs.Folder("run").ReadStatus()!.State);
    }

    private Process Start(string how, string more)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no such signals here.");
        string command = $"{how} dotnet {Path.Combine(AppContext.BaseDirectory, "moe.dll")} {string.Join(' ', _runs.Train("run", more))}";
        return Process.Start(new ProcessStartInfo("sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static async Task ReadUntilAsync(Process program, string word)
    {
        string? line;
        do
        {
            line = await program.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(Deadline.Patience, Cancellation);
            Assert.False(line is null, $"The program ended before it said '{word}'.");
        }
        while (!line.StartsWith(word, StringComparison.Ordinal));
    }

    private static async Task SignalAsync(Process program, string signal)
    {
        using Process kill = Process.Start("sh", ["-c", $"kill -{signal} {program.Id}"]);
        await kill.WaitForExitAsync(Cancellation);
    }

    private static async Task<int> EndAsync(Process program)
    {
        Task<string> rest = program.StandardOutput.ReadToEndAsync(Cancellation);
        try
        {
            await Deadline.WithinAsync(program.WaitForExitAsync(Cancellation), "the program ended");
        }
        finally
        {
            program.Kill();
        }

        await rest;
        return program.ExitCode;
    }
}
