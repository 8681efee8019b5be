using MoEActors.Cli;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>`moe train`, stopped, and `moe resume`, through the command line.</summary>
public sealed class ResumeCommandTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task A_run_cancelled_after_some_steps_and_resumed_is_the_run_that_was_never_stopped()
    {
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Train("whole", $"--steps 20 --json {_runs.Path}/whole.json"))).ExitCode);

        // Every word of progress is a chance to press Ctrl-C; the first comes after the first step.
        using var cancellation = new CancellationTokenSource();
        using var output = new CancellingWriter(cancellation, "step ");
        using var error = new StringWriter();
        int code = await CommandLine.RunAsync(_runs.Train("cut", "--steps 20 --parallelism tuned"), output, error, cancellation.Token);
        Assert.Equal(130, code);
        Assert.Contains($"of 20; the checkpoint is in {_runs.Folder("cut").Checkpoint}. Go on with: moe resume --checkpoint", error.ToString(), StringComparison.Ordinal);
        RunStatus status = _runs.Folder("cut").ReadStatus()!;
        Assert.Equal(RunState.Cancelled, status.State);
        Assert.InRange(status.Step, 1, 19);
        Assert.Equal(status.Step, status.CheckpointStep);
        Assert.Contains("\"tuned\"", CheckpointFolder.Open(_runs.Folder("cut").Checkpoint).Parallelism, StringComparison.Ordinal);

        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("cut", $"--silos 3 --json {_runs.Path}/cut.json"));
        Assert.Equal(0, resumed.ExitCode);
        Assert.Contains($"Going on with cut after step {status.Step}.", resumed.Output, StringComparison.Ordinal);
        AssertSame("whole.json", "cut.json");
    }

    /// <summary>All that is left is the report: the validation loss and a sample.</summary>
    [Theory]
    [InlineData("measuring the validation loss")]
    [InlineData("letting the model write")]
    public async Task A_run_that_is_given_up_behind_its_last_step_says_where_it_is(string word)
    {
        using var cancellation = new CancellationTokenSource();
        using var output = new CancellingWriter(cancellation, word);
        using var error = new StringWriter();
        Assert.Equal(ExitCode.Cancelled, await CommandLine.RunAsync(_runs.Train("late", "--steps 2"), output, error, cancellation.Token));
        Assert.Contains($"moe train: stopped behind the last step, 2; the checkpoint is in {_runs.Folder("late").Checkpoint}.", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, CheckpointFolder.Open(_runs.Folder("late").Checkpoint).Step);
    }

    [Theory, InlineData("cosine"), InlineData("constant"), InlineData("wsd")]
    public async Task Twelve_steps_of_a_schedule_of_twenty_and_eight_more_are_twenty(string schedule)
    {
        string file = _runs.Write("part.json", $$"""
            {
              "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16 },
              "optimizer": { "schedule": "{{schedule}}", "totalSteps": 20, "warmupSteps": 2 },
              "steps": 12
            }
            """);
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Train("part", $"--config {file} --save-every 5"))).ExitCode);
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Train("all", $"--config {file} --steps 20 --json {_runs.Path}/all.json"))).ExitCode);
        Assert.Equal(12, CheckpointFolder.Open(_runs.Folder("part").Checkpoint).Step);
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("part", $"--json {_runs.Path}/part.out.json"));
        Assert.Equal((0, RunState.Done), (resumed.ExitCode, _runs.Folder("part").ReadStatus()!.State));
        AssertSame("all.json", "part.out.json");

        CommandLineRun again = await CommandLineRun.Of(_runs.Resume("part"));
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("part has done 20 steps and nothing is left to do.", again.Error, StringComparison.Ordinal);
        CommandLineRun more = await CommandLineRun.Of("resume", "--checkpoint", _runs.Folder("part").Checkpoint, "--steps", "21");
        Assert.Equal((0, 21L), (more.ExitCode, _runs.Folder("part").ReadStatus()!.Step));
    }

    /// <summary>What the director has come to is not thrown away when a run is stopped. (Results depend on neither.)</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("--silos 3", false)]
    public async Task Experts_begin_where_they_were_if_the_same_silos_are_there(string silos, bool isKept)
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2 --no-director"));
        RunFolder folder = _runs.Folder("one");
        RunPlacement began = folder.ReadRunFile()!.Placement!;
        Assert.Equal(new RunPlacement(["silo-0", "silo-1"], ["0 0 1 1", "0 0 1 1"]), began);

        var level = new RunPlacement(began.Silos, ["1 0 0,1 1", "0 1 0 1"]);
        folder.Write(folder.ReadRunFile()! with { Placement = level });
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("one", $"--steps 4 {silos}"));
        Assert.Equal((0, ""), (resumed.ExitCode, resumed.Error));
        RunPlacement now = folder.ReadRunFile()!.Placement!;
        Assert.Equal(isKept, level == now);
        Assert.Equal(isKept ? 2 : 3, now.Silos.Count);
    }

    [Theory]
    [InlineData("0 0 9 1")]
    [InlineData("0 0 1")]
    [InlineData("0 0 1 1 1")]
    [InlineData("0 0 1 99999999999")]
    [InlineData("0 0,0 1 1")]
    [InlineData("mine, yours")]
    [InlineData("")]
    public async Task A_placement_that_cannot_be_is_told_of_and_the_run_goes_on(string layer)
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2 --no-director"));
        RunFolder folder = _runs.Folder("one");
        folder.Write(folder.ReadRunFile()! with { Placement = new RunPlacement(["silo-0", "silo-1"], [layer, "0 0 1 1"]) });
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("one", "--steps 3"));
        Assert.Equal(0, resumed.ExitCode);
        Assert.StartsWith("Experts begin where a new run's would, as they cannot be where they were: ", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(["0 0 1 1", "0 0 1 1"], folder.ReadRunFile()!.Placement!.Layers);
    }

    [Fact]
    public async Task What_does_not_belong_together_is_not_resumed()
    {
        await CommandLineRun.Of(_runs.Train("a", "--steps 2"));
        await CommandLineRun.Of(_runs.Train("b", "--steps 2"));
        RunFile record = _runs.Folder("a").ReadRunFile()!;
        _runs.Folder("a").Write(record with { Id = _runs.Folder("b").ReadRunFile()!.Id });
        await AssertRefusedAsync("has the checkpoint of one run and the run.json of another", _runs.Resume("a", "--steps 3"));

        _runs.Folder("a").Write(record);
        await File.AppendAllTextAsync(_runs.Text, "And more.", TestContext.Current.CancellationToken);
        await AssertRefusedAsync("The text has changed since the run began", _runs.Resume("a", "--steps 3"));
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Resume("a", $"--steps 3 --text {_runs.Text}"))).ExitCode);

        File.Delete(Path.Combine(_runs.Folder("b").Path, "run.json"));
        await AssertRefusedAsync("to say what text the run was on; name it with --text", _runs.Resume("b", "--steps 3"));
        Assert.Equal(0, (await CommandLineRun.Of(_runs.Resume("b", $"--steps 3 --text {_runs.Text}"))).ExitCode);
    }

    [Fact]
    public async Task A_run_that_is_not_there_fails_in_one_line()
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Resume("nothing"));
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith("moe resume: There is no run 'nothing' in", run.Error, StringComparison.Ordinal);
    }

    private static async Task AssertRefusedAsync(string complaint, string[] arguments)
    {
        CommandLineRun run = await CommandLineRun.Of(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(complaint, run.Error, StringComparison.Ordinal);
    }

    private void AssertSame(string expected, string actual)
    {
        Assert.Equal(_runs.Result(expected).GetProperty("fingerprint").GetString(), _runs.Result(actual).GetProperty("fingerprint").GetString());
        Assert.Equal(_runs.Result(expected).GetProperty("validation_loss").GetDouble(), _runs.Result(actual).GetProperty("validation_loss").GetDouble());
        Assert.Equal(20, _runs.Result(actual).GetProperty("steps").GetInt64());
    }
}
