using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;

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
    public async Task A_status_that_cannot_be_read_does_not_hide_the_other_runs()
    {
        await CommandLineRun.Of(_runs.Train("two", "--steps 1"));
        Directory.CreateDirectory(_runs.Folder("broken").Path);
        await File.WriteAllTextAsync(_runs.Folder("broken").StatusFile, "nope", TestContext.Current.CancellationToken);
        foreach (string[] json in new string[][] { [], ["--json"] })
        {
            CommandLineRun all = await CommandLineRun.Of(["status", "--runs", _runs.Path, .. json]);
            Assert.Equal(ExitCode.Failed, all.ExitCode);
            Assert.Contains("two", all.Output, StringComparison.Ordinal);
            Assert.StartsWith($"moe status: {_runs.Folder("broken").StatusFile} cannot be read", all.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_directors_decisions_are_told_with_reasons_and_effects()
    {
        _runs.Folder("led").Write(new RunStatus
        {
            Name = "led",
            State = RunState.Done,
            Step = 40,
            Steps = 40,
            Silos = 2,
            Process = 1,
            Machine = "elsewhere",
            UpdatedAt = DateTimeOffset.UnixEpoch,
            Layers = [new LayerTravel(0, LayerParallelism.Expert, 0), new LayerTravel(2, LayerParallelism.TransientCopies, 3),
                new LayerTravel(3, LayerParallelism.Expert, 0, Slices: 2, Exchange: AllToAll.Hierarchical)],
            Director = new DirectorReport(
                Policy: "incremental",
                Balance: [1.03, 1],
                PredictionError: 0.07,
                Decisions:
                [
                    new DecisionReport(
                        Number: 3,
                        Step: 12,
                        State: "applied",
                        ConcludedAt: 14,
                        Failure: null,
                        ShardsMoved: 1,
                        BytesMoved: 1000,
                        CopySeconds: 0.1,
                        WaitSeconds: 0,
                        Layers:
                        [
                            new LayerDecisionReport(
                                Layer: 0,
                                Arrivals: ["expert 3: silo-0 to silo-1"],
                                Reason: "Because.",
                                RatioBefore: 1.5,
                                PredictedRatio: 1.1,
                                MeasuredRatio: 1.05,
                                PredictedSecondsBefore: 2,
                                PredictedSeconds: 1,
                                MeasuredSecondsBefore: 2.1,
                                MeasuredSeconds: 1.1),
                        ]),
                ]),
        });
        CommandLineRun words = await CommandLineRun.Of("status", "led", "--runs", _runs.Path);
        Assert.Contains("  director incremental: unevenness by layer 1.03 1.00, cost model 7% off", words.Output, StringComparison.Ordinal);
        Assert.Contains(
            "  decision 3, step 14, applied: layer 0, unevenness 1.50 to 1.05 (expert 3: silo-0 to silo-1); decided after step 12", words.Output, StringComparison.Ordinal);
        Assert.Contains(", layer 2: copies where faster, 3 copies, layer 3: rows travel to 2 slices hierarchically, no checkpoint", words.Output, StringComparison.Ordinal);
        Assert.Contains("Because.", words.Output, StringComparison.Ordinal);
        CommandLineRun json = await CommandLineRun.Of("status", "led", "--runs", _runs.Path, "--json");
        using JsonDocument status = JsonDocument.Parse(json.Output);
        Assert.Equal(["expert", "transient_copies", "expert"], status.RootElement.GetProperty("layers").EnumerateArray().Select(one => one.GetProperty("parallelism").GetString()));
        JsonElement layer = status.RootElement.GetProperty("director").GetProperty("decisions")[0].GetProperty("layers")[0];
        Assert.Equal((1.05, 2.1, 1.1), (
            layer.GetProperty("measured_ratio").GetDouble(), layer.GetProperty("measured_seconds_before").GetDouble(), layer.GetProperty("measured_seconds").GetDouble()));
    }

    [Fact]
    public async Task The_director_changes_no_bit_and_can_be_left_out()
    {
        JsonElement[] results = new JsonElement[2];
        foreach ((int i, string more) in new[] { "", "--no-director" }.Index())
        {
            string file = $"{i}.json";
            CommandLineRun run = await CommandLineRun.Of(_runs.Train($"r{i}", $"--steps 12 --json {Path.Combine(_runs.Path, file)} {more}"));
            Assert.True(run.ExitCode == 0, run.Error);
            results[i] = _runs.Result(file);
        }

        Assert.Equal(results[1].GetProperty("fingerprint").GetString(), results[0].GetProperty("fingerprint").GetString());
        Assert.Equal(2, results[0].GetProperty("director").GetProperty("balance").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, results[1].GetProperty("director").ValueKind);
        Assert.Equal(results[1].GetProperty("balance_as_begun").GetDouble(), results[1].GetProperty("balance").GetDouble());
        Assert.Equal(results[1].GetProperty("balance").GetDouble(), results[0].GetProperty("balance_as_begun").GetDouble());
        Assert.NotNull(_runs.Folder("r0").ReadStatus()!.Director);
        Assert.Null(_runs.Folder("r1").ReadStatus()!.Director);
        Assert.Equal((true, false), (_runs.Folder("r0").ReadRunFile()!.Director, _runs.Folder("r1").ReadRunFile()!.Director));
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
            Silos = 1,
            Process = int.MaxValue,
            Machine = Environment.MachineName,
            UpdatedAt = DateTimeOffset.UnixEpoch,
        });
        CommandLineRun run = await CommandLineRun.Of("status", "dead", "--runs", _runs.Path);
        Assert.StartsWith("dead: failed, step 7/9, 1 silo, no checkpoint", run.Output, StringComparison.Ordinal);
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
