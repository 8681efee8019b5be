using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;
using MoEActors.Tests.Telemetry;

namespace MoEActors.Tests.Checkpoints;

/// <summary>A checkpoint whose bytes are not those that were saved is refused by whoever reads it.</summary>
public sealed class ChecksumTests : IDisposable
{
    private static readonly RunConfiguration Run = TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { Vocabulary = 256 } };

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Index => Path.Combine(_folder.Path, CheckpointFolder.IndexFile);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lm_head.weight", 20_000)]
    [InlineData("model.norm.weight", 1)]
    [InlineData("model.layers.2.block_sparse_moe.experts.6.w2.weight", 4)]
    [InlineData("model.layers.0.block_sparse_moe.gate.weight", 4)]
    [InlineData("dense.lm_head.first_moment", 20_000)]
    [InlineData("dense.norm.second_moment", 1)]
    [InlineData("layers.2.experts.6.down.second_moment", 1)]
    public async Task A_damaged_tensor_is_refused_with_its_file_and_what_to_do(string tensor, int bytes)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        string file = await DamageAsync(tensor, bytes);

        ViewFailedException refused =
            await Assert.ThrowsAsync<ViewFailedException>(() => cluster.Client.RestoreModelAsync(cluster["again"], _folder.Path, null, Cancellation));
        Assert.Contains($"Tensor '{tensor}' of '{file}' in '{_folder.Path}' is not what was saved", refused.Message, StringComparison.Ordinal);
        Assert.Contains("copy it anew from where it is whole, or take an older checkpoint", refused.Message, StringComparison.Ordinal);

        // Who only generates does not read moments.
        bool isMoment = tensor.EndsWith("_moment", StringComparison.Ordinal);
        CommandLineRun generated = await CommandLineRun.Of("generate", "--checkpoint", _folder.Path, "--tokens", "2");
        Assert.Equal(isMoment ? 0 : 1, generated.ExitCode);
        Assert.Equal(!isMoment, generated.Error.Contains($"Tensor '{tensor}' of '{file}'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whole_tensors_are_restored_and_the_index_is_one_that_others_read()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 2);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        JsonObject index = await IndexAsync();
        string[] tensors = [.. Keys(index["weight_map"]!), .. Keys(index["optimizer_map"]!)];
        Assert.Equal(tensors.Order(StringComparer.Ordinal), Keys(index["metadata"]!["sha256"]!));
        Assert.All(index["metadata"]!["sha256"]!.AsObject(), sum => Assert.Matches("^[0-9a-f]{64}$", (string)sum.Value!));

        // What Hugging Face readers take: the total size, and texts by tensor.
        Assert.Equal(JsonValueKind.Number, index["metadata"]!["total_size"]!.GetValueKind());
        Assert.All(index["weight_map"]!.AsObject(), entry => Assert.Equal(JsonValueKind.String, entry.Value!.GetValueKind()));
        Assert.True(CheckpointFolder.Open(_folder.Path).HasChecksums);
        MoEModel restored = await cluster.Client.RestoreModelAsync(cluster["again"], _folder.Path, null, Cancellation);
        Assert.Equal(await model.FingerprintAsync(Cancellation), await restored.FingerprintAsync(Cancellation));
    }

    [Fact]
    public async Task A_checkpoint_without_sums_opens_with_a_warning()
    {
        using var with = new TelemetryCapture("summed");
        using var without = new TelemetryCapture("bare");
        await using TrainingCluster cluster = await TrainingCluster.StartAsync(
            new([1], configure: silo => silo.ConfigureLogging(logging => logging.AddProvider(with).AddProvider(without))));
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, null, Cancellation);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        await cluster.Client.RestoreModelAsync("summed", _folder.Path, null, Cancellation);
        Assert.DoesNotContain(with.Events, one => one.Level > LogLevel.Information);

        JsonObject index = await IndexAsync();
        index["metadata"]!.AsObject().Remove("sha256");
        await File.WriteAllTextAsync(Index, index.ToJsonString(), Cancellation);
        MoEModel restored = await cluster.Client.RestoreModelAsync("bare", _folder.Path, null, Cancellation);
        Assert.Equal(await model.FingerprintAsync(Cancellation), await restored.FingerprintAsync(Cancellation));
        string warning = Assert.Single(without.Events, one => one.Id.Name == "CheckpointWithoutChecksums").Message;
        Assert.Contains(_folder.Path, warning, StringComparison.Ordinal);
        CommandLineRun generated = await CommandLineRun.Of("generate", "--checkpoint", _folder.Path, "--tokens", "2");
        Assert.Equal(0, generated.ExitCode);
        Assert.StartsWith($"The checkpoint in {_folder.Path} has no checksums", generated.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null", "its metadata.sha256 is null; it must be an object")]
    [InlineData("{}", "it has no SHA-256 of tensor '")]
    [InlineData("\"7\"", "the SHA-256 of tensor 'lm_head.weight' is '7', which is none")]
    [InlineData("7", "the SHA-256 of tensor 'lm_head.weight' is 7; it must be a text")]
    public async Task Sums_that_are_none_are_refused(string value, string says)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.SaveAsync(_folder.Path, cancellationToken: Cancellation);
        JsonObject index = await IndexAsync();
        if (value is "null" or "{}")
        {
            index["metadata"]!["sha256"] = JsonNode.Parse(value);
        }
        else
        {
            index["metadata"]!["sha256"]!["lm_head.weight"] = JsonNode.Parse(value);
        }

        await File.WriteAllTextAsync(Index, index.ToJsonString(), Cancellation);
        CheckpointException refused = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(_folder.Path));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Turns bits of a tensor over and leaves everything else of its file as it is.</summary>
    private async Task<string> DamageAsync(string tensor, int count)
    {
        JsonObject index = await IndexAsync();
        string name = (string)(index["weight_map"]![tensor] ?? index["optimizer_map"]![tensor])!;
        string path = Path.Combine(_folder.Path, name);
        byte[] bytes = await File.ReadAllBytesAsync(path, Cancellation);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument tensors = JsonDocument.Parse(bytes.AsMemory(sizeof(long), header));
        JsonElement offsets = tensors.RootElement.GetProperty(tensor).GetProperty("data_offsets");
        int start = sizeof(long) + header + offsets[0].GetInt32();
        int end = sizeof(long) + header + offsets[1].GetInt32();
        Assert.InRange(count, 1, end - start);
        for (int i = start; i < start + count; i++)
        {
            // A moment must stay what an optimizer can have made: the lowest bits of elements.
            bytes[i] = count > 4 ? (byte)0 : (byte)(bytes[i] ^ (i == start ? 1 : 0));
        }

        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        return name;
    }

    private async Task<JsonObject> IndexAsync() => JsonNode.Parse(await File.ReadAllTextAsync(Index, Cancellation))!.AsObject();

    private static IEnumerable<string> Keys(JsonNode map) => map.AsObject().Select(entry => entry.Key);
}
