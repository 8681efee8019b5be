using System.Globalization;
using System.Text.RegularExpressions;
using MoEActors.Examples;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Docs;

/// <summary>The programs under docs/examples run, with small sizes.</summary>
public class ExampleTests
{
    [Fact]
    public async Task The_example_of_own_text_runs_and_does_alike_every_time()
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("text.txt", string.Concat(Enumerable.Range(0, 300).Select(i => $"{i} and {i + 1} follow each other.\n")));
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration { Dim = 16, Heads = 2, KeyValueHeads = 1, Hidden = 16, Experts = [4, 4], MaximumSequence = 16 },
            Optimizer = new OptimizerOptions { TotalSteps = 6, WarmupSteps = 1 },
        };
        string first = await RunAsync(text, run, Path.Combine(folder.Path, "a"));
        Assert.Contains("step 6: loss ", first, StringComparison.Ordinal);
        Assert.Contains("validation loss ", first, StringComparison.Ordinal);
        Assert.Equal(first, await RunAsync(text, run, Path.Combine(folder.Path, "b")));
    }

    [Fact]
    public async Task The_example_of_own_kinds_learns()
    {
        using var output = new StringWriter();
        await OwnKinds.RunAsync(silos: 2, steps: 60, output);
        double[] losses = [.. Numbers("loss ([0-9.]+)", output.ToString())];
        Assert.Equal(7, losses.Length);
        Assert.True(losses[^1] < losses[0] - 1, output.ToString());
        double[] experts = [.. Numbers("([0-9.]+) experts", output.ToString())];
        Assert.All(experts, mean => Assert.InRange(mean, 1.01, 3.99));
    }

    [Fact]
    public async Task The_example_of_an_own_backbone_learns_alike_on_any_number_of_silos()
    {
        using var output = new StringWriter();
        using var other = new StringWriter();
        await OwnBackbone.RunAsync(silos: 1, steps: 100, output);
        await OwnBackbone.RunAsync(silos: 3, steps: 100, other);
        Assert.Equal(output.ToString(), other.ToString());
        double[] losses = [.. Numbers("loss ([0-9.]+)", output.ToString())];
        Assert.Equal(6, losses.Length);
        Assert.True(losses[^1] < losses[0] / 3, output.ToString());
    }

    private static IEnumerable<double> Numbers(string pattern, string text) =>
        Regex.Matches(text, pattern).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    private static async Task<string> RunAsync(string text, RunConfiguration run, string folder)
    {
        using var output = new StringWriter();
        await OwnText.RunAsync([text], run, sequences: 4, folder, output);
        return output.ToString();
    }
}
