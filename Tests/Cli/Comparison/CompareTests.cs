using System.Text.Json;
using System.Xml.Linq;
using MoEActors.Benchmarks;
using MoEActors.Cli;
using MoEActors.Cli.Comparison;
using MoEActors.Cli.Invocation;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli.Runs;

namespace MoEActors.Tests.Cli.Comparison;

/// <summary>`moe compare`: the same compute, text and seeds; stopped and begun again; and the figures that it prints.</summary>
public sealed class CompareTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Two_models_are_trained_at_equal_compute_and_one_that_was_stopped_comes_to_the_same()
    {
        (string dense, string mixture) = (File("dense", "[0, 0]", hidden: 32), File("mixture", "[4, 4]", hidden: 16));
        string[] all = ["compare", dense, mixture, "--runs", _runs.Path, "--seeds", "2", "--steps", "8"];
        CommandLineRun whole = await CommandLineRun.Of([.. all, "--name", "whole", "--json", Path.Combine(_runs.Path, "whole.json")]);
        Assert.True(whole.ExitCode == ExitCode.Done, whole.Error);
        JsonElement report = _runs.Result("whole.json");
        JsonElement[] models = [.. report.GetProperty("models").EnumerateArray()];
        Assert.Equal(["dense", "mixture"], models.Select(model => model.GetProperty("name").GetString()));

        // Two experts of half the width compute what the dense layer does; the router comes on top.
        double[] operations = [.. models.Select(model => model.GetProperty("operations").GetDouble())];
        Assert.InRange(operations[1] / operations[0], 1 - 0.5 / 8, 1 + 0.5 / 8);
        Assert.Equal(8, models[0].GetProperty("steps").GetInt32());
        Assert.Equal(JsonValueKind.Null, models[0].GetProperty("difference").ValueKind);
        double[][] losses = [.. models.Select(model => model.GetProperty("losses").EnumerateArray().Select(loss => loss.GetDouble()).ToArray())];
        Assert.All(losses, one => Assert.Equal(2, one.Length));
        double mean = (losses[1][0] - losses[0][0] + losses[1][1] - losses[0][1]) / 2;
        Assert.Equal(mean, models[1].GetProperty("difference").GetProperty("mean").GetDouble(), 9);
        Assert.Equal(mean, (models[1].GetProperty("difference").GetProperty("low").GetDouble() + models[1].GetProperty("difference").GetProperty("high").GetDouble()) / 2, 9);
        Assert.Contains("mixture  ", whole.Output, StringComparison.Ordinal);
        Assert.Contains("differences are to dense", whole.Output, StringComparison.Ordinal);
        string picture = XDocument.Load(Path.Combine(_runs.Path, "whole", "compare.svg")).ToString();
        Assert.Contains("Loss over compute", picture, StringComparison.Ordinal);
        Assert.Contains("mixture", picture, StringComparison.Ordinal);

        // Stopped in the first run, and then begun with the same words.
        using var cancellation = new CancellationTokenSource();
        using var output = new CancellingWriter(cancellation, "step ");
        using var error = new StringWriter();
        Assert.Equal(ExitCode.Cancelled, await CommandLine.RunAsync([.. all, "--name", "cut"], output, error, cancellation.Token));
        Assert.Contains("the same command again goes on", error.ToString(), StringComparison.Ordinal);
        CommandLineRun again = await CommandLineRun.Of([.. all, "--name", "cut", "--silos", "2", "--json"]);
        Assert.True(again.ExitCode == ExitCode.Done, again.Error);
        using var printed = JsonDocument.Parse(again.Output);
        Assert.Equal(Losses(report), Losses(printed.RootElement));

        // All is done: nothing is trained again.
        CommandLineRun last = await CommandLineRun.Of([.. all, "--name", "cut", "--json"]);
        Assert.Equal(again.Output, last.Output);
        Assert.DoesNotContain("step 1/", last.Error, StringComparison.Ordinal);
        CommandLineRun other = await CommandLineRun.Of([.. all[..^1], "9", "--name", "cut"]);
        Assert.Equal(ExitCode.WrongUsage, other.ExitCode);
        Assert.Contains("holds a comparison of other models, seeds, steps or text", other.Error, StringComparison.Ordinal);

        // As if it had begun on a GPU, which not every machine of these tests has.
        string plan = Path.Combine(_runs.Path, "cut", "compare.json"), begun = System.IO.File.ReadAllText(plan);
        Assert.Contains("\"device\": \"cpu\"", begun, StringComparison.Ordinal);
        System.IO.File.WriteAllText(plan, begun.Replace("\"device\": \"cpu\"", "\"device\": \"cuda\"", StringComparison.Ordinal));
        CommandLineRun elsewhere = await CommandLineRun.Of([.. all, "--name", "cut"]);
        Assert.Equal(ExitCode.WrongUsage, elsewhere.ExitCode);
        Assert.Contains("or on another device", elsewhere.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_compare_is_refused()
    {
        string one = File("one", "[2]", hidden: 16);
        string records = _runs.Write("other/two.json", System.IO.File.ReadAllText(one).Replace("\"batch\"", "\"packed\": true, \"batch\"", StringComparison.Ordinal));
        string same = _runs.Write("other/one.json", System.IO.File.ReadAllText(one));
        await AssertRefusedAsync("read text differently", one, records);
        await AssertRefusedAsync("Two files are called one", one, same);
        await AssertRefusedAsync("moe compare", one);
        await AssertRefusedAsync("--seeds must be", one, records, "--seeds", "31");
    }

    [Theory, InlineData(true, null), InlineData(false, 2)]
    public void The_number_of_silos_is_of_the_plan_where_results_depend_on_it(bool reproducible, int? silos)
    {
        var run = new RunConfiguration { Model = new ModelConfiguration { Experts = [2], MaximumSequence = 8 }, Reproducible = reproducible };
        Assert.Equal(silos, ComparisonPlan.Of(ComparedModel.AtEqualCompute([("one", run, 4)], steps: 3), seeds: 1, "text", "cpu", silos: 2).Silos);
    }

    [Fact]
    public void Operations_of_a_token_are_those_of_its_products()
    {
        var model = new ModelConfiguration
        {
            Vocabulary = 256,
            Dim = 16,
            Heads = 2,
            KeyValueHeads = 1,
            Hidden = 24,
            Experts = [4, 0, 8],
            MaximumSequence = 9,
            Gate = new GateOptions { TopK = 2 },
        };

        // By layer: queries, keys, values and output; scores and their mix over five keys on the mean; routers; three matrices of each expert, or of the dense block.
        double attention = 3 * (16 * (16 + 2 * 8) + 16 * 16 + 2 * 16 * 5);
        double feedforward = 16 * 4 + 16 * 8 + (2 + 2 + 1) * 3 * 16 * 24;
        Assert.Equal(3 * 2 * (attention + feedforward + 16 * 256), ModelOperations.PerTrainedToken(model, 9), 6);
        Assert.Equal(
            ModelOperations.PerTrainedToken(model, 9), ModelOperations.PerTrainedToken(model with { Experts = [4, 0, 7] }, 9) + 6 * 16, 6);
    }

    /// <summary>By Student's density, integrated.</summary>
    [Theory, InlineData(2), InlineData(3), InlineData(5), InlineData(10), InlineData(30)]
    public void The_interval_of_a_mean_leaves_out_five_of_a_hundred(int count)
    {
        double[] samples = [.. Enumerable.Range(0, count).Select(i => i % 2 == 0 ? 1.0 : -1.0)];
        (double mean, double half) = Samples.MeanInterval(samples);
        Assert.Equal(samples.Average(), mean, 12);
        double deviation = Math.Sqrt(samples.Sum(one => (one - mean) * (one - mean)) / (count - 1));
        double t = half / (deviation / Math.Sqrt(count)), freedom = count - 1;

        // Substituting x = √ν·tan θ, the density is cos^(ν−1) θ up to a factor.
        double Integral(double from, double to) => Enumerable.Range(0, 200_000).Sum(i => Math.Pow(Math.Cos(from + (i + 0.5) * (to - from) / 200_000), freedom - 1)) * (to - from);
        double tail = Integral(Math.Atan(t / Math.Sqrt(freedom)), Math.PI / 2) / Integral(-Math.PI / 2, Math.PI / 2);
        Assert.Equal(0.025, tail, 4);
    }

    [Fact]
    public void One_sample_has_no_interval() => Assert.Equal((3.0, double.PositiveInfinity), Samples.MeanInterval([3]));

    private static double[] Losses(JsonElement report) =>
        [.. report.GetProperty("models").EnumerateArray().SelectMany(model => model.GetProperty("losses").EnumerateArray()).Select(loss => loss.GetDouble())];

    private async Task AssertRefusedAsync(string complaint, params string[] arguments)
    {
        CommandLineRun refused = await CommandLineRun.Of(["compare", .. arguments, "--runs", _runs.Path]);
        Assert.Equal((ExitCode.WrongUsage, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(complaint, refused.Error, StringComparison.Ordinal);
    }

    private string File(string name, string experts, int hidden) => _runs.Write($"{name}.json", $$"""
        {
          "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": {{hidden}}, "experts": {{experts}}, "maximumSequence": 16 },
          "text": ["{{_runs.Text}}"], "batch": 4
        }
        """);
}
