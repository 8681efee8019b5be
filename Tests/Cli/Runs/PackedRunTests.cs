using MoEActors.Cli;
using MoEActors.Cli.Invocation;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>`moe train` on files of records, stopped, resumed and measured.</summary>
public sealed class PackedRunTests : IDisposable
{
    private readonly RunsFolder _runs = new();
    private readonly string _records;
    private readonly string _chats;

    public PackedRunTests()
    {
        _records = _runs.Write("records.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"text\": \"{i} times {i % 7} makes {i * (i % 7)}.\"}}\n")));
        _chats = _runs.Write("chats.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i =>
            $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"{i}?\"}}, {{\"role\": \"assistant\", \"content\": \"{i + 1}.\"}}]}}\n")));
    }

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("--text RECORDS")]
    [InlineData("--text RECORDS CHATS TEXT --weights 2 1 0.5")]
    [InlineData("--text TEXT --packed")]
    public async Task A_run_that_was_stopped_goes_on_with_what_it_would_have_read(string text)
    {
        CommandLineRun whole = await CommandLineRun.Of(Train("whole", $"{text} --steps 12 --json {_runs.Path}/whole.json"));
        Assert.True(whole.ExitCode == ExitCode.Done, whole.Error);
        Assert.Contains("document", whole.Output, StringComparison.Ordinal);
        using var cancellation = new CancellationTokenSource();
        using var output = new CancellingWriter(cancellation, "step ");
        Assert.Equal(ExitCode.Cancelled, await CommandLine.RunAsync(Train("cut", $"{text} --steps 12"), output, TextWriter.Null, cancellation.Token));
        Assert.InRange(_runs.Folder("cut").ReadStatus()!.Step, 1, 11);
        CommandLineRun resumed = await CommandLineRun.Of(_runs.Resume("cut", $"--silos 3 --json {_runs.Path}/cut.json"));
        Assert.True(resumed.ExitCode == ExitCode.Done, resumed.Error);
        Assert.Equal(Fingerprint("whole.json"), Fingerprint("cut.json"));

        CommandLineRun measured = await CommandLineRun.Of("evaluate", "whole", "--runs", _runs.Path, "--json");
        Assert.True(measured.ExitCode == ExitCode.Done, measured.Error);
        Assert.Contains($"\"loss\":{_runs.Result("whole.json").GetProperty("validation_loss").GetRawText()},", measured.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_line_is_refused_in_one_line_before_anything_is_made_or_skipped_and_counted()
    {
        string broken = _runs.Write("broken.jsonl", File.ReadAllText(_records) + "{\"text\": 5}\n{\"text\n");
        CommandLineRun refused = await CommandLineRun.Of(Train("r", $"--text {broken} --steps 2"));
        Assert.Equal((ExitCode.WrongUsage, ""), (refused.ExitCode, refused.Output));
        Assert.Equal(
            $"moe train: {broken}:61:10: \"text\" must be a text. Mend the line, or leave out such lines with --skip-broken. See moe train --help.",
            refused.Error.TrimEnd());
        Assert.False(Directory.Exists(_runs.Folder("r").Path));

        CommandLineRun skipped = await CommandLineRun.Of(Train("r", $"--text {broken} --skip-broken --steps 2"));
        Assert.True(skipped.ExitCode == ExitCode.Done, skipped.Error);
        Assert.Contains("Skipped, as they hold no record (2): ", skipped.Error, StringComparison.Ordinal);
        Assert.True(_runs.Folder("r").ReadRunFile()!.Reading!.SkipBroken);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("r", "--steps 3"))).ExitCode);
    }

    [Theory]
    [InlineData("--text RECORDS CHATS --weights 2", "1 weight for 2 paths of text: each path has one.")]
    [InlineData("--text RECORDS --weights 0", "--weights must be numbers above 0; '0' is not.")]
    [InlineData("--text RECORDS --weights x", "--weights must be numbers above 0; 'x' is not.")]
    [InlineData("--schedule linear", "--schedule linear is none of cosine, constant, wsd.")]
    public async Task What_does_not_go_together_is_refused(string options, string complaint)
    {
        CommandLineRun refused = await CommandLineRun.Of(Train("r", options + " --steps 2"));
        Assert.Equal((ExitCode.WrongUsage, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(complaint, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_file_says_the_same()
    {
        string file = _runs.Write("c.json", $$"""
            {
              "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4], "maximumSequence": 16 },
              "optimizer": { "schedule": "wsd" },
              "text": ["{{_records}}", "{{_chats}}"], "weights": [2, 1], "skipBroken": true, "batch": 4, "silos": 2, "steps": 2, "name": "filed"
            }
            """);
        CommandLineRun run = await CommandLineRun.Of("train", "--config", file, "--runs", _runs.Path, "--json", Path.Combine(_runs.Path, "filed.json"));
        Assert.True(run.ExitCode == ExitCode.Done, run.Error);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(Train("given", $"--text RECORDS CHATS --weights 2 1 --schedule wsd --steps 2 --learning-rate 0.003 --json {_runs.Path}/given.json"))).ExitCode);
        Assert.Equal(Fingerprint("filed.json"), Fingerprint("given.json"));

        string wrong = _runs.Write("w.json", File.ReadAllText(file).Replace("[2, 1]", "[2]", StringComparison.Ordinal));
        CommandLineRun refused = await CommandLineRun.Of("train", "--config", wrong, "--runs", _runs.Path);
        Assert.Equal(ExitCode.WrongUsage, refused.ExitCode);
        Assert.Contains("$.weights must be 2 numbers above 0, one for each entry of $.text.", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>A run on the text of the options alone.</summary>
    private string[] Train(string name, string options)
    {
        string[] given = [.. options.Replace("RECORDS", _records, StringComparison.Ordinal).Replace("CHATS", _chats, StringComparison.Ordinal).Replace("TEXT", _runs.Text, StringComparison.Ordinal)
            .Split(' ')];
        string[] rest = _runs.Train(name);
        return options.Contains("--text", StringComparison.Ordinal) ? [rest[0], .. rest[3..], .. given] : [.. rest, .. given];
    }

    private string Fingerprint(string file) => _runs.Result(file).GetProperty("fingerprint").GetString()!;
}
