using System.Text;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Training;
using MoEActors.Tests.Cli.Runs;

namespace MoEActors.Tests.Cli.Training;

/// <summary>What a model writes while it learns.</summary>
public sealed class SampleTests : IDisposable
{
    private const string Schedule =
        """{ "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16 }, "optimizer": { "totalSteps": 12 } }""";

    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("Gets the value of the thing that is meant.", "Gets the value of the thing that")]
    [InlineData("Gets the value.", "Gets the value.")]
    [InlineData("  \n Gets\nthe value of things and of others", "Gets\nthe value of things and of")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    [InlineData("漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字")]
    [InlineData(" \n", "The ")]
    [InlineData("", "The ")]
    public void It_begins_with_the_first_words_of_the_validation_text(string text, string prompt) =>
        Assert.Equal(prompt, SamplePrompt.Of([Encoding.UTF8.GetBytes(text)], "The "));

    [Fact]
    public void A_cut_through_a_character_is_no_part_of_the_beginning()
    {
        byte[] text = Encoding.UTF8.GetBytes("über alles");
        Assert.Equal("ber alles", SamplePrompt.Of([Array.Empty<byte>(), text.AsMemory(1)], "The "));
        Assert.Equal("The ", SamplePrompt.Of([], "The "));
        Assert.True(SamplePrompt.Of([Encoding.UTF8.GetBytes("a" + string.Concat(Enumerable.Repeat("😀", 30)))], "The ").EnumerateRunes().All(rune => rune.Value is 'a' or 0x1F600));
    }

    [Fact]
    public async Task A_run_shows_what_the_model_writes_and_learns_the_same_as_one_that_does_not()
    {
        string file = Path.Combine(_runs.Path, "r.json");
        string config = _runs.Write("schedule.json", Schedule);
        CommandLineRun shown = await CommandLineRun.Of(_runs.Train("one", $"--config {config} --steps 12 --json {file}"));
        Assert.True(shown.ExitCode == ExitCode.Done, shown.Error);
        Assert.Contains(shown.Output.Split('\n'), line => line.StartsWith("after step 10 the model goes on from ", StringComparison.Ordinal));
        string fingerprint = _runs.Result("r.json").GetProperty("fingerprint").GetString()!;
        Assert.Equal(fingerprint, await FingerprintWithoutSamplesAsync(config));
    }

    /// <summary>Twelve steps in two runs of six: neither comes to its tenth.</summary>
    private async Task<string> FingerprintWithoutSamplesAsync(string config)
    {
        string file = Path.Combine(_runs.Path, "w.json");
        CommandLineRun begun = await CommandLineRun.Of(_runs.Train("three", $"--config {config} --steps 6"));
        Assert.True(begun.ExitCode == ExitCode.Done, begun.Error);
        CommandLineRun ended = await CommandLineRun.Of(_runs.Resume("three", $"--steps 12 --json {file}"));
        Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
        Assert.DoesNotContain("the model goes on", begun.Output + ended.Output, StringComparison.Ordinal);
        return _runs.Result("w.json").GetProperty("fingerprint").GetString()!;
    }
}
