using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Checkpoints;

/// <summary>Writes what one worker holds: its experts; rank 0 adds the dense part, and an expert with replicas is written by its home.</summary>
internal static class CheckpointWriter
{
    /// <summary>Writes the worker's files into a folder that exists.</summary>
    public static BlockReport[] Write(IFileStore store, SaveOrder order, WorkerModel model, EpochView view)
    {
        ModelConfiguration configuration = view.Model.Configuration;
        var shard = new CheckpointShard(model.Device);
        if (view.Rank == 0)
        {
            shard.Add(model.Parameters.Dense, HuggingFaceNames.Dense(configuration));
        }

        for (int i = 0; i < model.Parameters.Shards.Count; i++)
        {
            (ExpertId id, ParameterBlock block) = model.Parameters.Shards.At(i);
            if (view.Map.RanksOf(id.Layer)[id.Expert] == view.Rank)
            {
                shard.Add(block, HuggingFaceNames.Expert(configuration, id.Layer, id.Expert));
            }
        }

        return
        [
            .. shard.Write(store, order.Folder, model.Parameters.Version, order.Tag, view.Rank, view.Map.Workers.Length)
                .Select(file => new BlockReport("", 0, file.Name, [.. file.Tensors], file.Bytes)),
        ];
    }
}
