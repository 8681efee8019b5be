using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Director;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>metrics.jsonl and `moe history`.</summary>
public sealed class HistoryCommandTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Every_step_has_one_line_also_in_a_run_that_was_killed_and_resumed()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 6"));
        string file = _runs.Folder("one").HistoryFile;
        StepEvent[] before = [.. RunHistory.Read(file).OfType<StepEvent>()];

        // As a kill leaves it that comes after the checkpoint: steps that nobody saved, and a line without an end.
        string line = (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken))[0];
        string later = line.Replace("\"step\":1,", "\"step\":7,", StringComparison.Ordinal);
        Assert.NotEqual(line, later);
        await File.AppendAllTextAsync(file, $"{later}\n{later[..40]}", TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("one", "--steps 9"))).ExitCode);
        StepEvent[] after = [.. RunHistory.Read(file).OfType<StepEvent>()];
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7, 8, 9], after.Select(step => step.Step));
        Assert.Equal(before.Select(step => (step.Loss, step.Time)), after[..6].Select(step => (step.Loss, step.Time)));
        Assert.NotEqual(before[0].Time, after[6].Time);
        Assert.All(after, step =>
        {
            Assert.Equal(step.Loss, step.CrossEntropy + step.Auxiliary, 1e-6);
            Assert.Equal(step.Auxiliary, step.AuxiliaryLosses.Values.Sum(), 1e-6);
            Assert.Equal((2, 2, 4 * 16), (step.Balance.Count, step.RouterEntropy.Count, step.Tokens));
            Assert.All(step.Balance, ratio => Assert.InRange(ratio, 1, 2));
            Assert.Equal(step.Balance.Average(), step.MeanBalance!.Value, 1e-9);
            Assert.True(step is { GradientNorm: > 0, LearningRate: > 0, Seconds: > 0 } && step.ChosenTokens == 2 * 2 * step.Tokens);
        });
        Assert.Equal([6L, 9], RunHistory.Read(file).OfType<CheckpointEvent>().Select(one => one.Step));
        Assert.All(RunHistory.Read(file).OfType<CheckpointEvent>(), one => Assert.Equal("checkpoint", one.Place));
    }

    [Fact]
    public async Task A_page_has_eighty_columns_and_what_matters()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 40 --eval-every 5 --save-every 2"));
        CommandLineRun page = await CommandLineRun.Of("history", "one", "--runs", _runs.Path);
        Assert.Equal((ExitCode.Done, ""), (page.ExitCode, page.Error));
        string[] lines = page.Output.ReplaceLineEndings("\n").Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.InRange(lines.Length, 30, 50);
        Assert.StartsWith("one: steps 1 to 40, ", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("validation loss ", StringComparison.Ordinal) && line.EndsWith("the lowest of 8", StringComparison.Ordinal));
        Assert.Contains("checkpoints, the last 8 of 20 (--all tells of all)", page.Output, StringComparison.Ordinal);
        Assert.Contains("  step 40: checkpoint", lines);

        // All of it, on request, and in the same eighty columns.
        string[] all = (await CommandLineRun.Of("history", "one", "--runs", _runs.Path, "--all")).Output.ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(20, all.Count(line => line.EndsWith(": checkpoint", StringComparison.Ordinal)));
        Assert.All(all, line => Assert.True(line.Length <= 80, line));
        Assert.Contains("  step 2: checkpoint", (await CommandLineRun.Of("history", "one", "--runs", _runs.Path, "--last", "39")).Output.ReplaceLineEndings("\n").Split('\n'));

        CommandLineRun json = await CommandLineRun.Of("history", "one", "--runs", _runs.Path, "--last", "10", "--json");
        using JsonDocument summary = JsonDocument.Parse(json.Output);
        JsonElement[] rows = [.. summary.RootElement.GetProperty("rows").EnumerateArray()];
        Assert.Equal(Enumerable.Range(31, 10).Select(step => (long)step), rows.Select(row => row.GetProperty("first").GetInt64()));
        Assert.Equal([35L, 40], summary.RootElement.GetProperty("evaluations").EnumerateArray().Select(one => one.GetProperty("step").GetInt64()));
        StepEvent last = RunHistory.Read(_runs.Folder("one").HistoryFile).OfType<StepEvent>().Last();
        Assert.Equal((last.CrossEntropy, last.GradientNorm, last.LearningRate), (
            rows[^1].GetProperty("loss").GetDouble(), rows[^1].GetProperty("gradient_norm").GetDouble(), rows[^1].GetProperty("learning_rate").GetDouble()));
    }

    /// <summary>What the user of a run that was stopped wants to know of it: each move, each decision with its effects, and where it went on.</summary>
    [Fact]
    public void A_page_has_moves_effects_and_where_the_run_went_on()
    {
        DecisionEvent first = Decided(number: 1, step: 3, measured: null);
        RunEvent[] events =
        [
            .. Enumerable.Range(1, 6).Select(Step),
            first,
            new PlacementEvent { Step = 4, View = 2, Experts = [new(0, 3, ["silo-0"], ["silo-1"]), new(1, 0, ["silo-0"], ["silo-0", "silo-1"])] },
            first with { Decision = Decided(1, 3, measured: 1.04).Decision },
            new ResumeEvent { Step = 6, Silos = 1 },
            Decided(number: 2, step: 7, measured: null),
        ];
        var summary = RunSummary.Of("x", events);
        Assert.Equal([1L, 2], summary.Decisions.Select(one => one.Number));
        Assert.Equal(1.04, summary.Decisions[0].Layers[0].MeasuredRatio);
        using var writer = new StringWriter();
        HistoryPage.Write(summary, all: false, writer, columns: 80);
        string page = WordWrap.InOneLine(writer.ToString());
        Assert.Contains("step 4, applied: unevenness 1.50 to 1.04 by 1 move in layer 0 (1.10 expected); decided after step 3", page, StringComparison.Ordinal);
        Assert.Contains("step 8, applied: unevenness 1.50 to 1.10 expected by 1 move in layer 0, not measured; decided after step 7", page, StringComparison.Ordinal);
        Assert.Matches("step 4, ....-..-.. ..:..:.., layer 0, expert 3: silo-0 to silo-1", page);
        Assert.Contains("layer 1, expert 0: silo-0 to silo-0 and silo-1", page, StringComparison.Ordinal);
        Assert.Matches("stopped and resumed step 6: ....-..-.. ..:..:.. on 1 silo decisions of", page);

    }

    [Theory]
    [InlineData(80)]
    [InlineData(60)]
    [InlineData(40)]
    public void A_page_fits_the_terminal_and_ends_its_lines_between_words(int columns)
    {
        RunEvent[] events = [.. Enumerable.Range(1, 12).Select(Step), Decided(number: 1, step: 3, measured: 1.04), new EvaluationEvent { Step = 9, Loss = 1, Tokens = 1 }];
        using StringWriter whole = new(), narrow = new();
        HistoryPage.Write(RunSummary.Of("x", events), all: true, whole, columns: 80);
        HistoryPage.Write(RunSummary.Of("x", events), all: true, narrow, columns);
        Assert.All(narrow.ToString().ReplaceLineEndings("\n").Split('\n'), line => Assert.InRange(line.Length, 0, columns));
        string[] words = narrow.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(words.Except(whole.ToString().Split((char[]?)null)));
        Assert.Contains("unevenness", words);
        Assert.Equal(columns >= 80, words.Contains("rate"));
    }

    /// <summary>The window of steps is the window of all that is told, however often and late a decision was told of.</summary>
    [Fact]
    public void The_last_steps_have_the_decisions_and_moves_of_the_last_steps()
    {
        RunEvent[] events =
        [
            .. Enumerable.Range(1, 12).Select(Step),
            Decided(number: 1, step: 3, measured: null),
            new PlacementEvent { Step = 4, View = 2, Experts = [new(0, 3, ["silo-0"], ["silo-1"])] },
            Decided(number: 1, step: 3, measured: 1.04) with { Step = 12 },
            Decided(number: 2, step: 8, measured: null),
            new PlacementEvent { Step = 9, View = 3, Experts = [new(0, 3, ["silo-1"], ["silo-0"])] },
            Decided(number: 2, step: 8, measured: 1.02) with { Step = 12 },
        ];
        Assert.Equal([1L, 2], RunSummary.Of("x", events).Decisions.Select(one => one.Number));
        foreach ((int last, int decisions) in new[] { (9, 2), (8, 1), (4, 1), (3, 0) })
        {
            var summary = RunSummary.Of("x", events, last);
            Assert.Equal((decisions, decisions), (summary.Decisions.Count, summary.Moves.Count));
            Assert.All(summary.Decisions, one => Assert.True(one.At > 12 - last));
        }
    }

    /// <summary>One meaning of unevenness: the mean over the layers with experts, on the screen, in the report and here.</summary>
    [Fact]
    public void The_unevenness_of_a_row_is_the_mean_over_its_layers()
    {
        StepEvent step = Step(1) with { Balance = [1.5, 1, 1.1], MeanBalance = 1.3 };
        Assert.Equal(1.3, RunSummary.Of("x", [step]).Rows[0].Balance);
        Assert.Equal(1.2, RunSummary.Of("x", [step with { MeanBalance = null }]).Rows[0].Balance!.Value, 1e-9);
    }

    /// <summary>A run that was stopped goes on counting, and its status and report are those of the whole run.</summary>
    [Fact]
    public async Task Decisions_are_numbered_on_after_a_resume()
    {
        await CommandLineRun.Of(_runs.Train("one", "--steps 4"));
        string file = _runs.Folder("one").HistoryFile;
        await using (var writer = HistoryWriter.Open(file, after: 4))
        {
            writer.Log(new DecisionEvent
            {
                Step = 4,
                Silos = ["silo-0", "silo-1"],
                Decision = new DirectorDecision { Number = 7, Step = 3, State = DecisionState.Applied, ConcludedAt = 4, Layers = [new LayerDecision(0, [], 1.5, 1.1, 1.2, 2, 1, 0, "why", null, null)] },
            });
        }

        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("one", "--steps 6"));
        Assert.Equal(ExitCode.Done, resumed.ExitCode);
        Assert.Contains(" for 6 steps, the last 2 of them on 2 silos", resumed.Output, StringComparison.Ordinal);
        Assert.Contains("Since step 4, the director moved or copied experts ", resumed.Output, StringComparison.Ordinal);

        // What came before is in the history and the status, and was no decision of this session.
        Assert.DoesNotContain("after step 4: ", resumed.Output, StringComparison.Ordinal);
        Assert.Equal(4, Assert.Single(RunHistory.Read(file).OfType<ResumeEvent>()).Step);
        Assert.Equal(7, _runs.Folder("one").ReadStatus()!.Director!.Decisions[0].Number);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(14)]
    [InlineData(16)]
    [InlineData(1000)]
    public void Rows_cover_every_step_once(int steps)
    {
        var summary = RunSummary.Of("x", Enumerable.Range(1, steps).Select(Step));
        Assert.Equal(Math.Min(15, steps), summary.Rows.Count);
        Assert.Equal((1L, (long)steps), (summary.Rows[0].First, summary.Rows[^1].Last));
        Assert.All(summary.Rows.Zip(summary.Rows.Skip(1)), pair => Assert.Equal(pair.First.Last + 1, pair.Second.First));
        Assert.All(summary.Rows, row => Assert.Equal(((row.First + row.Last) / 2.0, 5.0, 0.25, null), (row.Loss, row.TokensPerSecond, row.DroppedShare, row.Balance)));
        Assert.Equal(summary.Rows.Count, HistoryPage.Sparkline(summary.Rows).Length);
    }

    [Fact]
    public async Task A_run_without_a_history_fails_in_one_line()
    {
        CommandLineRun run = await CommandLineRun.Of("history", "nothing", "--runs", _runs.Path);
        Assert.Equal((ExitCode.Failed, ""), (run.ExitCode, run.Output));
        Assert.StartsWith("moe history: There is no run 'nothing' in ", run.Error, StringComparison.Ordinal);
        Directory.CreateDirectory(_runs.Folder("tiny").Path);
        foreach (string command in new[] { "history", "status", "resume", "generate", "evaluate" })
        {
            run = await CommandLineRun.Of(command, "tyny", "--runs", _runs.Path);
            Assert.Equal((ExitCode.Failed, $"moe {command}: There is no run 'tyny' in {_runs.Path}. Did you mean tiny?"), (run.ExitCode, run.Error.TrimEnd()));
        }
    }

    private static DecisionEvent Decided(long number, long step, double? measured) => new()
    {
        Step = step + 1,
        Silos = ["silo-0", "silo-1"],
        Decision = new DirectorDecision
        {
            Number = number,
            Step = step,
            State = DecisionState.Applied,
            ConcludedAt = step + 1,
            Layers = [new LayerDecision(0, [new ShardArrival(3, 0, 1)], 1.5, 1.1, measured, 2, 1, 0, "why", null, null)],
        },
    };

    private static StepEvent Step(int step) => new()
    {
        Step = step,
        Loss = step,
        CrossEntropy = step,
        Auxiliary = 0,
        GradientNorm = 1,
        LearningRate = 1,
        Tokens = 10,
        Seconds = 2,
        TokensPerSecond = 5,
        ChosenTokens = 4,
        DroppedTokens = 1,
    };
}
