using System.Text.Json;
using MoEActors.Modules.Gates;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>`moe train --config FILE`.</summary>
public sealed class TrainFileTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Every_mistake_is_listed_at_once_with_its_path()
    {
        string[] mistakes = await MistakesAsync("""
            {
              "model": {
                "dim": 50, "heads": 4, "keyValueHeads": 3, "hidden": "wide", "layers": 2, "maximumSequence": 2.5,
                "gate": { "topK": 0, "scores": "hardmax", "top": 1 }
              },
              "optimizer": { "beta1": 2 },
              "steps": 5, "seconds": 9, "batch": 0, "parallelism": "sideways", "silo": 2, "text": ["a", null], "name": "a/b"
            }
            """);
        Assert.Equal(
            [
                "$.model.hidden is \"wide\"; it must be a whole number.",
                "$.model.layers follows from other values; leave it out.",
                "$.model.maximumSequence is 2.5; it must be a whole number.",
                "$.model.gate.scores is \"hardmax\"; it must be one of softmax, sigmoid.",
                $"$.model.gate.top is not known; known here: {string.Join(", ", GateNames())}.",
                "$.silo is not known; known here: model, optimizer, microBatches, recompute, reproducible, director, parallelism, text, weights, packed, skipBroken, tokenizer, batch, silos, device, steps, seconds, saveEvery, keep, evalEvery, patience, name.",
                "$.text is [\"a\",null]; it must be a list of texts.",
                "$.model.experts is missing.",
                "$.model.dim: Dim is 50; it must be a multiple of twice the 4 heads.",
                "$.model.keyValueHeads: KeyValueHeads is 3; it must divide the 4 heads.",
                "$.optimizer.beta1: Beta1 is 2; it must be at least 0 and below 1.",
                "$.batch is 0; it must be at least 1.",
                "$.parallelism is 'sideways'; it must be one of expert, data, copies, slices-R, tuned.",
                "$.steps and $.seconds exclude each other.",
                "$.name is 'a/b'; it must be the name of a folder below runs/.",
            ],
            mistakes);
    }

    [Fact]
    public async Task A_gate_that_fits_no_layer_is_named_once_per_size_of_layer()
    {
        string[] mistakes = await MistakesAsync(
            """{ "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 4, 2], "gate": { "topK": 9 } } }""");
        Assert.Equal(
            [
                "$.model.gate.topK: TopK is 9; it must be from 1 to the layer's 4 experts.",
                "$.model.gate.topK: TopK is 9; it must be from 1 to the layer's 2 experts.",
            ],
            mistakes.Where(mistake => mistake.Contains("topK:", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("{", "is no JSON")]
    [InlineData("[]", "is no JSON: It must be one object in braces.")]
    [InlineData("", "is empty, or a pipe or device")]
    [InlineData("{ \"steps\": 1, \"steps\": 2 }", "is no JSON")]
    public async Task What_is_no_object_is_refused(string text, string complaint)
    {
        CommandLineRun run = await CommandLineRun.Of("train", "--config", _runs.Write("c.json", text));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(complaint, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_wins_over_the_file()
    {
        string file = _runs.Write("c.json", $$"""
            {
              // Comments are allowed.
              "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [3, 0], "maximumSequence": 16, },
              "text": ["{{_runs.Text}}"],
              "batch": 2, "silos": 1, "steps": 50, "name": "fromfile",
            }
            """);
        CommandLineRun run = await CommandLineRun.Of(
            "train", "--config", file, "--runs", _runs.Path, "--steps", "2", "--batch", "3", "--json", Path.Combine(_runs.Path, "out.json"));
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, _runs.Result("out.json").GetProperty("steps").GetInt64());
        Assert.Equal(2 * 3 * 16, _runs.Result("out.json").GetProperty("training_tokens").GetInt64());
        Assert.Equal(1, _runs.Folder("fromfile").ReadStatus()!.Silos);
        Assert.Equal((3, "fromfile"), (_runs.Folder("fromfile").ReadRunFile()!.Batch, _runs.Folder("fromfile").ReadRunFile()!.Name));
    }

    private async Task<string[]> MistakesAsync(string text)
    {
        CommandLineRun run = await CommandLineRun.Of("train", "--config", _runs.Write("c.json", text));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        string[] lines = run.Error.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.EndsWith($"mistakes:", lines[0], StringComparison.Ordinal);
        return [.. lines[1..^1].Select(line => line.Trim())];
    }

    private static IEnumerable<string> GateNames() =>
        typeof(GateOptions).GetProperties().Where(property => property.CanWrite).Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
}
