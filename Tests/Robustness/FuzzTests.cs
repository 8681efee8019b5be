using System.Text;
using System.Text.Json;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Client.Data;
using MoEActors.Client.Data.Packing;
using MoEActors.Client.Tokens;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Robustness;

/// <summary>Readers of files that anybody may have written, on inputs that nobody should have written.</summary>
public sealed class FuzzTests
{
    private const string Index = """
        { "metadata": { "total_size": 96, "step": 7, "cursor": "here", "run": { "model": { "dim": 16, "experts": [4] }, "microBatches": 2 } },
          "weight_map": { "model.embed_tokens.weight": "model-1.safetensors", "lm_head.weight": "model-2.safetensors" },
          "optimizer_map": { "dense.norm.first_moment": "optimizer-1.safetensors" } }
        """;

    private const string TrainFileText = """
        { "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4, 0], "gate": { "topK": 2, "scores": "sigmoid" } },
          "optimizer": { "learningRate": 0.003, "totalSteps": 20 }, "text": ["a", "b"], "batch": 4, "steps": 12, "name": "n" } // c
        """;

    private const string StatusText = """
        { "name": "n", "state": "running", "step": 3, "steps": 9, "loss": 1.5, "runtime": "local", "silos": 2, "process": 1, "machine": "m",
          "updated_at": "2026-01-02T03:04:05+00:00" }
        """;

    private const string RecordText = """
        { "id": "i", "name": "n", "text": ["a"], "text_sha256": "00", "seed": 1, "batch": 2, "silos": 1, "steps": 5, "save_every": 0, "prompt": "The " }
        """;

    private static readonly byte[] Run = Encoding.UTF8.GetBytes(TrainingRuns.Small.ToJson().ReplaceLineEndings("").Replace("  ", "", StringComparison.Ordinal));

    [Fact]
    public Task Safetensors_files() => Fuzzer.RunAsync(
        SafetensorsInput.Make,
        bytes =>
        {
            var file = SafetensorsFile.Read(new MemoryStream(bytes), "f");

            // What is accepted accounts for every byte of the data.
            long length = BitConverter.ToInt64(bytes);
            long data = file.Names.Sum(name => file.Shape(name).Aggregate(4L, (product, size) => product * size));
            Require(data == bytes.Length - sizeof(long) - length, "tensors and data have different sizes");
        },
        e => e is InvalidDataException);

    [Fact]
    public Task Run_configurations() => Fuzzer.RunAsync(
        random => Mutation.Of(Run, random),
        bytes =>
        {
            var run = RunConfiguration.FromJson(Encoding.UTF8.GetString(bytes));
            Require(RunConfiguration.FromJson(run.ToJson()).ToJson() == run.ToJson(), "it does not read back as it was written");
            Require(ModelLayout.ParameterCount(run.Model) > 0, "it has no parameters");
        },
        e => e is ModelConfigurationException);

    [Fact]
    public Task Files_of_moe_train()
    {
        byte[] seed = Encoding.UTF8.GetBytes(TrainFileText);
        return Fuzzer.RunAsync(
            random => Mutation.Of(seed, random), bytes => TrainFile.Parse(Encoding.UTF8.GetString(bytes), "c.json").Model.Validate(), e => e is UsageException);
    }

    [Fact]
    public Task Lines_of_records()
    {
        byte[][] seeds =
        [
            """{"text": "für 5 €", "more": [1, {"a": null}]}"""u8.ToArray(),
            """{"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4\u0021", "name": "x"}]}"""u8.ToArray(),
        ];
        return Fuzzer.RunAsync(
            random => Mutation.Of(seeds[random.Next(2)], random),
            bytes =>
            {
                IReadOnlyList<TokenDocument> documents = new DocumentReader(TextTokenizer.Bytes).Read([new TextDocument("f.jsonl", bytes)]);
                Require(documents.All(document => document.Learnt.IsEmpty || document.Learnt.Length == document.Tokens.Length), "a mask has another length");
                Require(documents.All(document => document.Tokens.ToArray().All(token => token is >= 0 and < 256)), "a token is no byte");
            },
            e => e is BrokenLineException broken && broken.Line.Column >= 1);
    }

    [Fact]
    public Task Indexes_of_checkpoints()
    {
        byte[] seed = Encoding.UTF8.GetBytes(Index);
        return Fuzzer.RunAsync(
            random => Mutation.Of(seed, random),
            bytes =>
            {
                var checkpoint = CheckpointFolder.Parse("folder", Encoding.UTF8.GetString(bytes));
                Require(checkpoint.Step >= 0, "the step is negative");
                Require(checkpoint.Files.All(file => Path.GetFullPath(Path.Combine("/a/b", file)).StartsWith("/a/b/", StringComparison.Ordinal)), "a file is outside");
            },
            e => e is CheckpointException);
    }

    [Fact]
    public Task Records_and_statuses_of_runs()
    {
        byte[][] seeds = [Encoding.UTF8.GetBytes(StatusText), Encoding.UTF8.GetBytes(RecordText)];
        return Fuzzer.RunAsync(
            random => Mutation.Of(seeds[random.Next(2)], random),
            bytes =>
            {
                string text = Encoding.UTF8.GetString(bytes);
                if (bytes.AsSpan().IndexOf("state"u8) >= 0)
                {
                    RunFolder.Parse<RunStatus>(text);
                }
                else
                {
                    Require(RunFolder.Parse<RunFile>(text).Text is not null, "the text is null");
                }
            },
            e => e is JsonException);
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException(otherwise);
        }
    }
}
