using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>The validation loss: on the way, as a reason to end, and of a checkpoint.</summary>
public sealed class EvaluationTests : IDisposable
{
    /// <summary>A rate at which no parameter changes, and so no loss.</summary>
    private const string Still = "--learning-rate 1e-30";

    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Evaluations_on_the_way_are_written_down_shown_and_change_no_bit()
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("measured", $"--steps 10 --eval-every 4 --json {_runs.Path}/measured.json"));
        Assert.True(run.ExitCode == ExitCode.Done, run.Error);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("plain", $"--steps 10 --json {_runs.Path}/plain.json"))).ExitCode);
        (JsonElement measured, JsonElement plain) = (_runs.Result("measured.json"), _runs.Result("plain.json"));
        Assert.Equal(plain.GetProperty("fingerprint").GetString(), measured.GetProperty("fingerprint").GetString());
        Assert.Equal([4L, 8, 10], Evaluations("measured").Select(one => one.Step));
        Assert.Equal([10L], Evaluations("plain").Select(one => one.Step));
        Assert.Equal(plain.GetProperty("validation_loss").GetDouble(), Evaluations("measured")[^1].Loss);
        Assert.Contains($"step 4: validation loss {Evaluations("measured")[0].Loss:0.000}, the lowest so far", run.Output, StringComparison.Ordinal);

        CommandLineRun evaluated = await CommandLineRun.Of("evaluate", "plain", "--runs", _runs.Path, "--silos", "3", "--json");
        using JsonDocument report = JsonDocument.Parse(evaluated.Output);
        Assert.Equal(plain.GetProperty("validation_loss").GetDouble(), report.RootElement.GetProperty("loss").GetDouble());
        Assert.Equal((10L, plain.GetProperty("validation_bytes").GetInt64()), (
            report.RootElement.GetProperty("step").GetInt64(), report.RootElement.GetProperty("bytes").GetInt64()));
    }

    [Fact]
    public async Task A_run_that_learns_no_more_ends_with_a_checkpoint_and_says_so_stopped_on_the_way_or_not()
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("whole", $"--steps 50 --eval-every 2 --patience 3 {Still}"));
        Assert.True(run.ExitCode == ExitCode.Done, run.Error);
        Assert.Contains("The run ended early: 3 evaluations without a lower loss than the", run.Output, StringComparison.Ordinal);
        RunStatus status = _runs.Folder("whole").ReadStatus()!;
        Assert.Equal((RunState.Done, 8L, 8L), (status.State, status.Step, status.CheckpointStep));
        CommandLineRun told = await CommandLineRun.Of("status", "whole", "--runs", _runs.Path);
        Assert.Contains("ended early", told.Output, StringComparison.Ordinal);

        string part = _runs.Write("part.json", """
            {
              "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16 },
              "optimizer": { "totalSteps": 50, "warmupSteps": 2, "learningRate": 1e-30 }, "evalEvery": 2, "patience": 3, "steps": 5
            }
            """);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("part", $"--config {part} {Still}"))).ExitCode);
        Assert.Equal(5, _runs.Folder("part").ReadStatus()!.Step);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("part"))).ExitCode);
        Assert.Equal((RunState.Done, 8L), (_runs.Folder("part").ReadStatus()!.State, _runs.Folder("part").ReadStatus()!.Step));
        Assert.Equal([2L, 4, 5, 6, 8], Evaluations("part").Select(one => one.Step));
    }

    [Theory]
    [InlineData("--patience 2", "--eval-every N makes them")]
    [InlineData("--eval-every -1", "--eval-every")]
    [InlineData("--keep 0", "--keep")]
    public async Task Options_that_cannot_work_are_refused(string options, string complaint)
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("one", $"--steps 2 {options}"));
        Assert.Equal(ExitCode.WrongUsage, run.ExitCode);
        Assert.Contains(complaint, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_runs.Folder("one").Path));
    }

    [Fact]
    public async Task A_checkpoint_is_measured_on_its_own_text_as_it_was_or_on_any_other()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 2"));
        string other = _runs.Write("other.txt", string.Concat(Enumerable.Repeat("zzzz yyyy xxxx. ", 40)));
        CommandLineRun all = await CommandLineRun.Of("evaluate", "--checkpoint", _runs.Folder("one").Checkpoint, "--text", other);
        Assert.Equal(ExitCode.Done, all.ExitCode);
        Assert.StartsWith("Step 2: loss ", all.Output, StringComparison.Ordinal);
        Assert.Contains("over 624 bytes", all.Output, StringComparison.Ordinal);

        await File.AppendAllTextAsync(_runs.Text, "And more.", TestContext.Current.CancellationToken);
        CommandLineRun changed = await CommandLineRun.Of("evaluate", "one", "--runs", _runs.Path);
        Assert.Equal((ExitCode.WrongUsage, ""), (changed.ExitCode, changed.Output));
        Assert.Contains("The text of one has changed since the run began", changed.Error, StringComparison.Ordinal);
        CommandLineRun unknown = await CommandLineRun.Of("evaluate", "nothing", "--runs", _runs.Path);
        Assert.Equal((ExitCode.Failed, ""), (unknown.ExitCode, unknown.Output));
    }

    private EvaluationEvent[] Evaluations(string run) => [.. RunHistory.Read(_runs.Folder(run).HistoryFile).OfType<EvaluationEvent>()];
}
