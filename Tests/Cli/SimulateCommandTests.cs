using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Commands.Simulate;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;
using MoEActors.Placement.Simulation;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli;

public sealed class SimulateCommandTests : IDisposable
{
    private const string Header = "step,layer,expert,tokens\n";

    private static readonly string[] Fields =
    [
        "policy", "ratio_mean_before_500", "ratio_mean_after_500", "ratio_worst_after_500", "step_time_vs_static", "step_time_vs_balanced", "plans",
        "shards_moved_per_layer_plan", "bytes_moved", "planning_ms",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_written_trace_is_replayed_under_every_policy()
    {
        string file = Path.Combine(_folder.Path, "trace.csv");
        CommandLineRun written = await CommandLineRun.Of(
            "simulate", "trace", "--kind", "drift", "--layers", "2", "--experts", "16", "--steps", "700", "--out", file);
        Assert.Equal((0, ""), (written.ExitCode, written.Error));
        CommandLineRun run = await CommandLineRun.Of(
            "simulate", "placement", "--trace", file, "--workers", "4", "--spare-slots", "4", "--policy", "all", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal(
            ["static", "repack", "replicate-and-pack", "hierarchical", "expand-shrink", "incremental"],
            json.RootElement.EnumerateArray().Select(policy => policy.GetProperty("policy").GetString()));
        Assert.All(json.RootElement.EnumerateArray(), policy => Assert.Equal(Fields, policy.EnumerateObject().Select(field => field.Name)));
        Assert.Equal(1, json.RootElement[0].GetProperty("step_time_vs_static").GetDouble());
        Assert.True(json.RootElement[5].GetProperty("step_time_vs_static").GetDouble() > 1.5);
    }

    [Fact]
    public async Task Copies_that_live_for_a_step_are_replayed_where_they_are_asked_for()
    {
        string file = Path.Combine(_folder.Path, "trace.csv");
        CommandLineRun written = await CommandLineRun.Of(
            "simulate", "trace", "--kind", "rotation", "--period", "10", "--noise", "0.4", "--layers", "1", "--steps", "700", "--out", file);
        Assert.Equal((0, ""), (written.ExitCode, written.Error));
        CommandLineRun run = await CommandLineRun.Of("simulate", "placement", "--trace", file, "--policy", "static", "--copies", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement policy = json.RootElement[0], copies = policy.GetProperty("copies_after_500");
        Assert.InRange(copies.GetProperty("layer_time_vs_balanced").GetDouble(), 1, policy.GetProperty("step_time_vs_balanced").GetDouble() / 1.5);
        Assert.True(copies.GetProperty("per_layer").GetDouble() > 0);
        Assert.True(copies.GetProperty("bytes_vs_rows").GetDouble() > 0);
        CommandLineRun printed = await CommandLineRun.Of("simulate", "placement", "--trace", file, "--policy", "static", "--copies");
        Assert.Contains("static: with copies a layer from step 500 on takes 1.", printed.Output);
    }

    [Fact]
    public async Task The_ladder_stands_beside_what_was_published()
    {
        CommandLineRun run = await CommandLineRun.Of("simulate", "ladder", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal(8, json.RootElement.GetArrayLength());
        JsonElement last = json.RootElement[7];
        Assert.Equal((2048, 5.75), (last.GetProperty("gpus").GetInt32(), last.GetProperty("published_speed_up").GetDouble()));
        Assert.Equal(
            ["baseline", "kernels", "hierarchical", "layout", "pipelining", "parallelism"],
            last.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("technique").GetString()));
        CommandLineRun printed = await CommandLineRun.Of("simulate", "ladder");
        Assert.Contains("(5.75)", printed.Output);
    }

    [Fact]
    public void What_the_tuner_loses_and_gains_is_reported_over_every_choice()
    {
        var report = TunerReport.Of(new ParallelismSimulator(workers: 16).Steady(every: 81));
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(report, SnakeCase.Indented));
        Assert.Equal(3, json.RootElement.GetProperty("settings").GetInt32());
        Assert.InRange(json.RootElement.GetProperty("regret_mean").GetDouble(), 0, 0.05);
        JsonElement[] choices = [.. json.RootElement.GetProperty("gain_over_static").EnumerateArray()];
        Assert.Contains(choices, choice => choice.GetProperty("choice").GetString() == "r = 1, d = 8, hierarchical" && choice.GetProperty("settings").GetInt32() == 3);
        Assert.All(choices, choice => Assert.True(choice.GetProperty("gain_most").GetDouble() >= choice.GetProperty("gain_mean").GetDouble()));
    }

    [Fact]
    public async Task A_trace_recorded_in_training_is_replayed_at_once()
    {
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Range(0, 400).Select(i => $"{i} times {i % 7} makes {i * (i % 7)}.\n")));
        string config = _folder.Write(
            "run.json",
            """{"model": {"dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 12, "experts": [4, 0, 6], "maximumSequence": 16}, "batch": 4}""");
        string file = Path.Combine(_folder.Path, "trace.csv");
        string[] record = ["simulate", "record", "--config", config, "--text", text, "--steps", "9", "--every", "2", "--turn", "--out", file];
        CommandLineRun recorded = await CommandLineRun.Of([.. record, "--silos", "2"]);
        Assert.True(recorded.ExitCode == 0, recorded.Error);
        LoadTrace trace = TraceReader.Read(file);
        Assert.Equal([2L, 4, 6, 8], trace.Rows.Select(row => row.Step));

        // Dense layers have no lines. Four sequences of sixteen tokens choose two experts each.
        Assert.Equal([4, 6], trace.Experts);
        Assert.All(trace.Rows, row => Assert.All(row.Tokens, layer => Assert.Equal(4 * 16 * 2, layer.Sum())));

        // Routing does not know where experts are.
        string lines = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        await CommandLineRun.Of([.. record, "--silos", "1"]);
        Assert.Equal(lines, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));

        CommandLineRun replayed = await CommandLineRun.Of("simulate", "placement", "--trace", file, "--workers", "2", "--spare-slots", "2", "--json");
        Assert.Equal((0, ""), (replayed.ExitCode, replayed.Error));
    }

    [Fact]
    public async Task A_short_trace_has_no_figure_after_step_500_and_any_layer_numbers()
    {
        CommandLineRun run = await Replay("0,3,1,5\n0,3,0,7\n10,3,0,6\n10,3,1,6\n", "--workers", "2", "--spare-slots", "1", "--policy", "incremental", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal(JsonValueKind.Null, json.RootElement[0].GetProperty("ratio_mean_after_500").ValueKind);
    }

    [Fact]
    public async Task Columns_may_stand_in_any_order_with_spaces_and_any_line_ends()
    {
        string file = _folder.Write("trace.csv", "\uFEFFTokens, expert, layer, step\r\n5, 1, 0, 1000\r\n7,0,0,1000\r\n\r\n6,0,0,1010\r\n6,1,0,1010\r\n");
        CommandLineRun run = await CommandLineRun.Of(
            "simulate", "placement", "--trace", file, "--workers", "2", "--spare-slots", "0", "--policy", "static", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal((7.0 / 6 + 1) / 2, json.RootElement[0].GetProperty("ratio_mean_after_500").GetDouble(), 9);
    }

    [Theory]
    [InlineData("\"step\",\"layer\",\"expert\",\"tokens\"\n0,0,0,5\n0,0,1,7\n")]
    [InlineData("step,layer,expert,tokens\n0.0,0.0,0.0,5.0\n0.0,0.0,1.0,7.0\n")]
    [InlineData("run,step,layer,expert,tokens,note\nx,0,0,0,5,\nx,0,0,1,7,\"a, b \"\"c\"\"\"\n")]
    [InlineData("\"Tokens\" , step,layer,expert\n \"5\",0,0,0\n\"7\" ,0,0,1\n")]
    [InlineData("step,layer,expert,tokens\n0,0,0,5e0\n0,0,1,0.7e1\n")]
    public void Traces_of_other_programs_are_read_where_they_can_be_meant_in_one_way(string lines)
    {
        LoadTrace trace = TraceReader.Read(_folder.Write("trace.csv", lines));
        Assert.Equal([5L, 7L], Assert.Single(trace.Rows).Tokens[0]);
    }

    [Theory]
    [InlineData("step,layer,expert,tokens,tokens\n0,0,0,5,6\n", "line 1: the header has the column tokens twice")]
    [InlineData("step;layer;expert;tokens\n0;0;0;5\n", "line 1: the header must be step,layer,expert,tokens")]
    [InlineData("step,layer,expert,tokens,note\n0,0,0,5\n", "line 2: 5 fields are needed, as in the header; there are 4.")]
    [InlineData("step,layer,expert,tokens\n0,0,0,5,6\n", "line 2: four fields are needed, as in the header; there are 5.")]
    [InlineData("step,layer,expert,tokens\n0,0,0,\"5\n", "line 2: a quotation mark is not closed")]
    [InlineData("step,layer,expert,tokens\n0,0,0,\"5\"6\n", "line 2: a quotation mark is not closed, or something follows it")]
    [InlineData("step,layer,expert,tokens\n0,0,0,5.25\n", "line 2: tokens: '5.25' is no whole number.")]
    [InlineData("step,layer,expert,tokens\n0,0,0.5,5\n", "line 2: expert: '0.5' is no whole number.")]
    [InlineData("step,layer,expert,tokens\n0,0,0,\n", "line 2: tokens: '' is no whole number.")]
    public void Others_are_refused_with_line_and_column(string lines, string complaint)
    {
        TraceException refused = Assert.Throws<TraceException>(() => TraceReader.Read(_folder.Write("trace.csv", lines)));
        Assert.Contains(complaint, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_replay_says_how_far_it_is()
    {
        FakeTimeProvider time = new();
        StringWriter writer = new();
        CountProgress progress = new(writer, "row", 1500, time, () => 80);
        progress.Report("static", 1);
        progress.Dispose();
        Assert.Equal("", writer.ToString());
        time.Advance(TimeSpan.FromSeconds(1.5));
        progress.Report("incremental", 300);
        progress.Report("incremental", 301);
        progress.Dispose();
        string line = "incremental: row 300 of 1500";
        Assert.Equal($"\r{line}\r{new string(' ', line.Length)}\r", writer.ToString());
    }

    [Theory]
    [InlineData("0,0,0,5.5\n", "line 2: tokens: '5.5' is no whole number.")]
    [InlineData("0,0,0,5\n0,0,1,-3\n", "line 3: tokens: -3 is negative.")]
    [InlineData("0,0,0,5\n0,0,1,x\n", "line 3: tokens: 'x' is no whole number.")]
    [InlineData("0,0,0\n", "line 2: four fields are needed")]
    [InlineData("0,0,0,5\n0,0,2,5\n", "line 3: expert: a gap: step 0 ends here without expert 1 of layer 0.")]
    [InlineData("0,0,0,5\n0,0,1,5\n10,0,1,5\n20,0,0,5\n", "line 5: expert: a gap: step 10 ends here without expert 0 of layer 0.")]
    [InlineData("0,0,0,5\n10,0,0,5\n10,0,1,5\n", "line 4: expert: 1 is unknown; layer 0 has experts 0 to 0 in the first step.")]
    [InlineData("0,0,0,5\n10,1,0,5\n", "line 3: layer: 1 is unknown; the first step has layers 0.")]
    [InlineData("0,0,0,5\n0,0,0,5\n", "line 3: expert: 0 of layer 0 is listed twice in step 0.")]
    [InlineData("10,0,0,5\n0,0,0,5\n", "line 3: step: 0 comes after 10; steps must ascend.")]
    [InlineData("0,0,0,5\n10,0,0,5\n30,0,0,5\n40,0,0,5\n", "line 4: step: 30 follows 10, a gap: the steps before are 10 apart, those after 10.")]
    [InlineData("", "line 1: no step follows the header")]
    public async Task A_bad_trace_is_answered_with_its_line_and_field(string lines, string complaint)
    {
        CommandLineRun run = await Replay(lines);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(complaint, run.Error);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_trace_without_its_header_is_refused()
    {
        string file = _folder.Write("trace.csv", "0,0,0,5\n");
        CommandLineRun run = await CommandLineRun.Of("simulate", "placement", "--trace", file);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("line 1: the header must be step,layer,expert,tokens", run.Error);
    }

    [Theory]
    [InlineData("--spare-slots 15 --workers 8", "--spare-slots 15 do not fit 2 experts on --workers 8")]
    [InlineData("--spare-slots -1", "--spare-slots must be a whole number of at least 0; '-1' is not.")]
    [InlineData("--workers 0", "--workers must be a whole number of at least 1; '0' is not.")]
    [InlineData("--workers 8 --hosts 3", "--workers 8 do not divide evenly over --hosts 3.")]
    [InlineData("--policy magic", "--policy must be one of static, repack")]
    [InlineData("--every 0", "--every must be a whole number of at least 1; '0' is not.")]
    public async Task What_does_not_fit_is_wrong_usage(string arguments, string complaint)
    {
        CommandLineRun run = await Replay("0,0,0,5\n0,0,1,5\n", arguments.Split(' '));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(complaint, run.Error);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("simulate placement", "moe simulate placement: Option '--trace' is required.")]
    [InlineData("simulate placement --trace no/such.csv", "moe simulate placement: --trace no/such.csv is no file.")]
    [InlineData("simulate trace --kind wild --out x.csv", "moe simulate trace: --kind must be drift, swap, growth, uniform, walk, steep, neighbours, restless, bursts, gliding, waves, exchanges, rotation, even or outliers; 'wild' is not.")]
    [InlineData("simulate trace --period 5 --out x.csv", "moe simulate trace: --period is for gliding, waves, exchanges and rotation; drift has none.")]
    [InlineData("simulate trace --noise 0.4 --out x.csv", "moe simulate trace: --noise is for the kinds from walk on; drift has its own.")]
    [InlineData("simulate parallelism --workers 12", "moe simulate parallelism: --workers 12 do not fill hosts of 8.")]
    [InlineData("simulate trace --out no/such/x.csv", "moe simulate trace: --out no/such/x.csv is no file that can be written")]
    public async Task Wrong_usage_names_the_option(string arguments, string complaint)
    {
        CommandLineRun run = await CommandLineRun.Of(arguments.Split(' '));
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(complaint, run.Error);
    }

    private Task<CommandLineRun> Replay(string lines, params string[] arguments)
    {
        string file = _folder.Write("trace.csv", Header + lines);
        return CommandLineRun.Of(["simulate", "placement", "--trace", file, .. arguments.Length == 0 ? ["--spare-slots", "0"] : arguments]);
    }
}
