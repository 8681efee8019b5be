using MoEActors.Cli.Invocation;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Client.Tokens;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>`moe train --tokenizer`, and what goes on with such a run.</summary>
public sealed class TokenizerRunTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task A_run_keeps_its_tokenizer_and_refuses_others()
    {
        string tokenizer = _runs.Write("tokens/tokenizer.json", TokenizerFile.Json(["t i", "ti m"]));
        CommandLineRun trained = await CommandLineRun.Of(_runs.Train("one", $"--tokenizer {tokenizer} --steps 6 --json {_runs.Path}/one.json"));
        Assert.True(trained.ExitCode == ExitCode.Done, trained.Error);
        Assert.Contains("nats per token", trained.Output, StringComparison.Ordinal);
        Assert.Equal(259, CheckpointFolder.Open(_runs.Folder("one").Checkpoint).Run.Model.Vocabulary);

        CommandLineRun measured = await CommandLineRun.Of("evaluate", "one", "--runs", _runs.Path, "--json");
        Assert.True(measured.ExitCode == ExitCode.Done, measured.Error);
        Assert.Contains($"\"loss\":{_runs.Result("one.json").GetProperty("validation_loss").GetRawText()},", measured.Output, StringComparison.Ordinal);
        Assert.Contains("\"bits_per_token\":", measured.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("bits_per_byte", measured.Output, StringComparison.Ordinal);
        CommandLineRun written = await CommandLineRun.Of("generate", "one", "--runs", _runs.Path, "--prompt", "12 times", "--tokens", "8");
        Assert.True(written.ExitCode == ExitCode.Done, written.Error);
        Assert.StartsWith("12 times", written.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("one", "--steps 7"))).ExitCode);

        // Another tokenizer, and the same file with other tokens in it.
        foreach (string command in new[] { "evaluate", "generate" })
        {
            await AssertRefusedAsync("The tokenizer bytes has 256 tokens, and the checkpoint a vocabulary of 259", command, "one", "--runs", _runs.Path, "--tokenizer", "bytes");
            await AssertRefusedAsync("There is no tokenizer", command, "one", "--runs", _runs.Path, "--tokenizer", "nothing");
        }

        _runs.Write("tokens/tokenizer.json", TokenizerFile.Json(["t i", "m e"]));
        await AssertRefusedAsync("its files have changed", _runs.Resume("one", "--steps 9"));
        await AssertRefusedAsync("its files have changed", "generate", "one", "--runs", _runs.Path);
        await AssertRefusedAsync("a vocabulary of 256", await TrainedOnBytesAsync(), "--tokenizer", tokenizer);
    }

    [Fact]
    public async Task A_file_with_another_vocabulary_than_the_tokenizer_is_refused()
    {
        string file = _runs.Write("c.json", """
            { "model": { "vocabulary": 300, "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [2], "maximumSequence": 16 }, "tokenizer": "gpt2" }
            """);
        await AssertRefusedAsync("$.model.vocabulary is 300; the tokenizer gpt2 has 50257 tokens.", "train", "--config", file, "--runs", _runs.Path);
    }

    private async Task<string[]> TrainedOnBytesAsync()
    {
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("bytes", "--steps 1"))).ExitCode);
        return ["generate", "bytes", "--runs", _runs.Path];
    }

    private static Task AssertRefusedAsync(string complaint, string[] arguments, params string[] more) => AssertRefusedAsync(complaint, [.. arguments, .. more]);

    private static async Task AssertRefusedAsync(string complaint, params string[] arguments)
    {
        CommandLineRun refused = await CommandLineRun.Of(arguments);
        Assert.Equal((ExitCode.WrongUsage, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(complaint, refused.Error, StringComparison.Ordinal);
        Assert.Single(refused.Error.TrimEnd().Split('\n'));
    }
}
