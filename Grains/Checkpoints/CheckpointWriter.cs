using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Placement;

namespace MoEActors.Grains.Checkpoints;

/// <summary>Writes what one worker holds: one safetensors file of its experts, and on rank 0 of the dense part too.</summary>
internal static class CheckpointWriter
{
    /// <summary>Writes the worker's file into a folder that exists.</summary>
    public static BlockReport[] Write(string folder, WorkerModel model, EpochView view)
    {
        ModelConfiguration configuration = view.Model.Configuration;
        var writer = new SafetensorsWriter();
        if (view.Rank == 0)
        {
            Add(writer, model, model.Dense, HuggingFaceNames.Dense(configuration));
        }

        for (int i = 0; i < model.Shards.Count; i++)
        {
            (ShardId shard, ParameterBlock block) = model.Shards.At(i);
            Add(writer, model, block, HuggingFaceNames.Expert(configuration, shard.Layer, shard.Expert));
        }

        if (!writer.Names.Any())
        {
            return [];
        }

        string name = $"model-{view.Rank + 1:00000}-of-{view.Map.Workers.Length:00000}.safetensors";
        writer.Write(Path.Combine(folder, name));
        return [new BlockReport("", 0, name, [.. writer.Names], writer.DataBytes)];
    }

    private static void Add(SafetensorsWriter writer, WorkerModel model, ParameterBlock block, IReadOnlyList<TensorPiece> pieces)
    {
        foreach (TensorPiece piece in pieces)
        {
            Parameter parameter = block[piece.Parameter];
            writer.Add(piece.Name, piece.Shape(parameter.Shape), () =>
            {
                float[] values = new float[parameter.Shape.Count];
                model.Device.Read(parameter.Vector, values);
                return piece.Take(parameter.Shape, values);
            });
        }
    }
}
