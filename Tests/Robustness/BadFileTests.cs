using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Robustness;

/// <summary>Files that cannot be used, each where a text, a configuration or a checkpoint is asked for: a typed error, one line, nothing left behind.</summary>
public sealed class BadFileTests : IDisposable
{
    private static readonly byte[] PlainText = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("plain text\n", 1000)));

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Text_that_cannot_be_trained_on_is_refused_by_name_and_no_run_begins()
    {
        foreach ((string path, string says) in await BadFilesAsync())
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            TextSourceException refused = Assert.Throws<TextSourceException>(() => TextFolder.Read([path]));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
            Assert.Contains(path, refused.Message, StringComparison.Ordinal);
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
            await AssertOneLineAsync(1, path, "train", "--text", path, "--runs", In("runs"), "--steps", "1");
        }

        Assert.False(Directory.Exists(In("runs")));
    }

    [Fact]
    public async Task In_a_folder_such_files_are_skipped_and_listed()
    {
        (string Path, string)[] bad = [.. (await BadFilesAsync()).Where(one => Path.GetFileName(one.Path) is not ("huge.txt" or "folder" or "missing"))];
        string good = _folder.Write("good.txt", "good");
        File.Delete(In("huge.txt"));

        TextFolder read = TextFolder.Read([_folder.Path]);

        Assert.Equal([good], read.Documents.Select(document => document.Name));
        Assert.Equal(bad.Select(one => one.Path).Order(StringComparer.Ordinal), read.Skipped.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_read_is_wrong_usage()
    {
        foreach ((string path, _) in await BadFilesAsync())
        {
            await AssertOneLineAsync(2, $"moe train: --config {path}", "train", "--config", path, "--runs", In("runs"));
        }

        Assert.False(Directory.Exists(In("runs")));
    }

    [Fact]
    public async Task An_index_or_a_record_that_cannot_be_read_fails_in_one_line()
    {
        foreach ((string path, _) in await BadFilesAsync())
        {
            string folder = In($"of-{Path.GetFileName(path)}");
            Directory.CreateDirectory(folder);
            foreach (string name in new[] { CheckpointFolder.IndexFile, "status.json" })
            {
                File.CreateSymbolicLink(Path.Combine(folder, name), path);
            }

            Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(folder));
            await AssertOneLineAsync(1, folder, "generate", "--checkpoint", folder);
            await AssertOneLineAsync(1, "moe status: ", "status", Path.GetFileName(folder), "--runs", _folder.Path);
        }
    }

    [Fact]
    public async Task A_checkpoint_with_a_file_that_cannot_be_read_leaves_its_name_free()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        RunConfiguration run = TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { Vocabulary = 256 } };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        string checkpoint = In("checkpoint");
        await model.SaveAsync(checkpoint, cancellationToken: Cancellation);
        string weights = Directory.GetFiles(checkpoint, "model-step*").Order(StringComparer.Ordinal).Last();
        byte[] whole = await File.ReadAllBytesAsync(weights, Cancellation);

        List<(string Path, string)> bad = [.. await BadFilesAsync()];
        string other = In("other");
        MoEModel stranger = await cluster.Client.CreateModelAsync(cluster["stranger"], run with { Model = run.Model with { Hidden = 18 } }, null, Cancellation);
        await stranger.SaveAsync(other, cancellationToken: Cancellation);
        bad.Add((Directory.GetFiles(other, "model-step*").Order(StringComparer.Ordinal).Last(), "of another model"));
        bad.Add((_folder.Write("half.safetensors", whole[..(whole.Length / 2)]), "truncated"));
        bad.Add((_folder.Write("longer.safetensors", [.. whole, 0]), "too long"));
        foreach ((string path, _) in bad)
        {
            File.Delete(weights);
            File.CreateSymbolicLink(weights, path);
            CheckpointFailedException refused = await Assert.ThrowsAsync<CheckpointFailedException>(
                () => cluster.Client.RestoreModelAsync(cluster["again"], checkpoint, null, Cancellation));
            Assert.Contains("ensor '", refused.Message, StringComparison.Ordinal);
            await AssertOneLineAsync(1, "moe generate: ", "generate", "--checkpoint", checkpoint);
        }

        // The name was not taken by any of them.
        File.Delete(weights);
        await File.WriteAllBytesAsync(weights, whole, Cancellation);
        MoEModel restored = await cluster.Client.RestoreModelAsync(cluster["again"], checkpoint, null, Cancellation);
        Assert.Equal(await model.FingerprintAsync(Cancellation), await restored.FingerprintAsync(Cancellation));
    }

    [Theory]
    [InlineData(".first_moment", float.NaN)]
    [InlineData(".first_moment", float.NegativeInfinity)]
    [InlineData(".second_moment", float.PositiveInfinity)]
    [InlineData(".second_moment", -1e-9f)]
    public async Task A_checkpoint_with_moments_that_no_optimizer_made_is_refused(string ending, float value)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], TrainingRuns.Small, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(TrainingRuns.Small, 1), Cancellation);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        string path = Directory.GetFiles(_folder.Path, "*.safetensors").Order(StringComparer.Ordinal).Last();
        byte[] bytes = await File.ReadAllBytesAsync(path, Cancellation);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument tensors = JsonDocument.Parse(bytes.AsMemory(sizeof(long), header));
        JsonProperty tensor = tensors.RootElement.EnumerateObject().First(one => one.Name.EndsWith(ending, StringComparison.Ordinal));
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(sizeof(long) + header + tensor.Value.GetProperty("data_offsets")[0].GetInt32() + (2 * sizeof(float))), value);
        await File.WriteAllBytesAsync(path, bytes, Cancellation);

        // Written so, not damaged since: there is no sum that tells of it.
        JsonObject index = JsonNode.Parse(await File.ReadAllTextAsync(In(CheckpointFolder.IndexFile), Cancellation))!.AsObject();
        index["metadata"]!.AsObject().Remove("sha256");
        await File.WriteAllTextAsync(In(CheckpointFolder.IndexFile), index.ToJsonString(), Cancellation);
        ViewFailedException refused = await Assert.ThrowsAsync<ViewFailedException>(
            () => cluster.Client.RestoreModelAsync(cluster["again"], _folder.Path, null, Cancellation));
        Assert.Contains($"'{tensor.Name}'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("at element 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_a_model_of_somebody_else_is_told_from_one_with_nothing()
    {
        _folder.Write("theirs/config.json", """{ "model_type": "mixtral", "hidden_size": 4096 }""");
        await AssertOneLineAsync(1, "neither the optimizer's state nor the run", "generate", "--checkpoint", In("theirs"));
        _folder.Write("theirs/model.safetensors.index.json", """{ "metadata": { "total_size": 5 }, "weight_map": { "a": "model.safetensors" } }""");
        await AssertOneLineAsync(1, "neither the optimizer's state nor the run", "generate", "--checkpoint", In("theirs"));
        CommandLineRun run = await CommandLineRun.Of("generate", "--checkpoint", In("nowhere"));
        Assert.DoesNotContain("neither", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"totalSteps\": 3000000000", "$.optimizer.totalSteps is 3000000000; it must be at most 2147483647.")]
    [InlineData("\"learningRate\": 1e60", "$.optimizer.learningRate: LearningRate is Infinity; it must be finite and not negative.")]
    public async Task Numbers_beyond_their_type_are_named(string value, string mistake)
    {
        string file = _folder.Write(
            "c.json",
            $$"""{ "model": { "dim": 16, "heads": 2, "keyValueHeads": 1, "hidden": 16, "experts": [4] }, "optimizer": { {{value}} }, "seconds": 1e300 }""");
        CommandLineRun run = await CommandLineRun.Of("train", "--config", file, "--runs", In("runs"));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(mistake, run.Error, StringComparison.Ordinal);
        Assert.Contains("$.seconds is 1E+300; it must be above 0 and at most 1e9.", run.Error, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder.Path, name);

    private async Task<List<(string Path, string Says)>> BadFilesAsync()
    {
        Directory.CreateDirectory(In("folder"));
        List<(string, string)> files =
        [
            (_folder.Write("empty.txt", ""), "is empty"),
            (_folder.Write("binary.txt", [0x7F, 0x45, 0x4C, 0x46, 0, 0xFF]), "is not UTF-8 text"),
            (_folder.Write("latin.txt", [0x66, 0xFC, 0x72]), "is not UTF-8 text"),
            (SpecialFile.Huge(In("huge.bin"), []), "is not UTF-8 text"),
            (SpecialFile.Huge(In("huge.txt"), PlainText), "does not fit into memory"),
            (SpecialFile.BrokenLink(In("link.txt")), "leads nowhere"),
            (In("missing"), "There is no such file or folder"),
            (In("folder"), "No file of UTF-8 text"),
        ];
        if (await SpecialFile.PipeAsync(In("pipe.txt")) is { } pipe)
        {
            files.Add((pipe, "pipe"));
        }

        return files;
    }

    private static async Task AssertOneLineAsync(int code, string says, params string[] arguments)
    {
        CommandLineRun run = await CommandLineRun.Of(arguments);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
