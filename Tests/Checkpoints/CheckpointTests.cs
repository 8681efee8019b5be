using System.Text.Json;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Placement.Map;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Checkpoints;

/// <summary>A checkpoint holds the parameters bit for bit, whatever workers wrote it.</summary>
public sealed class CheckpointTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("swiglu", 1)]
    [InlineData("swiglu", 3)]
    [InlineData("gelu", 4)]
    public async Task Tensors_read_back_equal_the_parameters_bit_for_bit(string expert, int silos)
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
        RunConfiguration run = TrainingRuns.With(expert, TrainingRuns.Small.Model.Gate);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 2);
        string path = Path.Combine(folder.Path, "checkpoint");
        await model.SaveAsync(path, cancellationToken: Cancellation);
        SaveOutcome saved = await model.SaveAsync(path, cancellationToken: Cancellation);

        Assert.DoesNotContain(Directory.GetFiles(path), file => file.EndsWith(".unfinished", StringComparison.Ordinal));
        using JsonDocument index = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(path, "model.safetensors.index.json"), Cancellation));
        Dictionary<string, SafetensorsFile> files = index.RootElement.GetProperty("weight_map").EnumerateObject()
            .ToDictionary(entry => entry.Name, entry => SafetensorsFile.Open(Path.Combine(path, entry.Value.GetString()!)));
        Assert.Equal(2 * silos, Directory.GetFiles(path, "*.safetensors").Length);
        Assert.Equal(2, index.RootElement.GetProperty("metadata").GetProperty("step").GetInt64());
        Assert.Equal(run.ToJson(), CheckpointFolder.Open(path).Run.ToJson());

        PlacementMap map = (await model.GetStatusAsync(Cancellation)).Map!;
        WorkerModel first = cluster.Host(0).ModelAt(cluster["m"], 0)!;
        HashSet<string> seen = [];
        CheckBlock(first.Parameters.Dense, HuggingFaceNames.Dense(run.Model), files, seen);
        foreach (ShardId shard in map.Shards)
        {
            int silo = cluster.Silos.Silos.Single(one => one.Address.ToParsableString() == map.WorkerOf(shard).Silo).Index;
            WorkerModel holder = cluster.Host(silo).ModelAt(cluster["m"], map.RankOf(map.WorkerOf(shard)))!;
            CheckBlock(holder.Parameters.Shards[shard.ExpertId], HuggingFaceNames.Expert(run.Model, shard.Layer, shard.Expert), files, seen);
        }

        Assert.Equal(files.Keys.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        long parameters = files.Sum(file => sizeof(float) * (long)file.Value.Read(file.Key).Length);
        Assert.Equal(3 * parameters, saved.Bytes);
    }

    private static void CheckBlock(
        ParameterBlock block, IReadOnlyList<TensorRegion> pieces, Dictionary<string, SafetensorsFile> files, HashSet<string> seen)
    {
        Dictionary<string, float[]> rebuilt = block.Parameters.ToDictionary(
            parameter => parameter.Shape.Name, parameter => Enumerable.Repeat(float.NaN, parameter.Shape.Count).ToArray());
        foreach (TensorRegion piece in pieces)
        {
            ParameterShape shape = block[piece.Parameter].Shape;
            SafetensorsFile file = files[piece.Name];
            Assert.True(seen.Add(piece.Name));
            Assert.Equal(piece.Shape(shape), file.Shape(piece.Name));
            piece.Put(shape, file.Read(piece.Name), rebuilt[piece.Parameter]);
        }

        // Every element of every parameter is in some tensor.
        foreach (Parameter parameter in block.Parameters)
        {
            Assert.Equal(parameter.Vector.AsSpan().ToArray(), rebuilt[parameter.Shape.Name]);
        }
    }
}
