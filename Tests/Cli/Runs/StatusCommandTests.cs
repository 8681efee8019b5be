using System.Text.Json;
using MoEActors.Cli.Runs;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>status.json and `moe status`.</summary>
public sealed class StatusCommandTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task A_finished_run_tells_how_it_ended()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 3"));
        CommandLineRun words = await CommandLineRun.Of("status", "one", "--runs", _runs.Path);
        Assert.StartsWith("one: done, step 3/3, loss ", words.Output, StringComparison.Ordinal);
        CommandLineRun json = await CommandLineRun.Of("status", "one", "--runs", _runs.Path, "--json");
        using JsonDocument status = JsonDocument.Parse(json.Output);
        Assert.Equal("done", status.RootElement.GetProperty("state").GetString());
        Assert.Equal(3, status.RootElement.GetProperty("checkpoint_step").GetInt64());
        Assert.Equal(2, status.RootElement.GetProperty("silos").GetInt32());
        CommandLineRun all = await CommandLineRun.Of("status", "--runs", _runs.Path, "--json");
        using JsonDocument list = JsonDocument.Parse(all.Output);
        Assert.Equal("one", Assert.Single(list.RootElement.EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_run_that_fails_says_why()
    {
        // A file where the checkpoint's folder should be.
        _runs.Write("one/checkpoint", "in the way");
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("one", "--steps 2"));
        Assert.Equal(1, run.ExitCode);
        RunStatus status = _runs.Folder("one").ReadStatus()!;
        Assert.Equal((RunState.Failed, 2L, null), (status.State, status.Step, status.Checkpoint));
        Assert.NotNull(status.Error);
    }

    [Fact]
    public async Task A_run_whose_process_is_gone_is_not_running()
    {
        _runs.Folder("dead").Write(new RunStatus
        {
            Name = "dead",
            State = RunState.Running,
            Step = 7,
            Steps = 9,
            Runtime = "local",
            Silos = 1,
            Process = int.MaxValue,
            Machine = Environment.MachineName,
            UpdatedAt = DateTimeOffset.UnixEpoch,
        });
        CommandLineRun run = await CommandLineRun.Of("status", "dead", "--runs", _runs.Path);
        Assert.StartsWith("dead: failed, step 7/9, 1 silos (local), no checkpoint", run.Output, StringComparison.Ordinal);
        Assert.Contains("ended without a word", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_run_and_an_unknown_run_are_told_in_words()
    {
        CommandLineRun none = await CommandLineRun.Of("status", "--runs", _runs.Path);
        Assert.Contains("There are no runs", none.Output, StringComparison.Ordinal);
        CommandLineRun unknown = await CommandLineRun.Of("status", "x", "--runs", _runs.Path);
        Assert.Equal(1, unknown.ExitCode);
        Assert.StartsWith("moe status: There is no run 'x'", unknown.Error, StringComparison.Ordinal);
    }
}
