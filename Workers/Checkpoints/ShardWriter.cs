using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Checkpoints;

/// <summary>Writes what one worker holds: its experts; rank 0 adds the dense part, and an expert with replicas is written by its home.</summary>
internal static class ShardWriter
{
    /// <summary>Writes the worker's files into a folder that exists.</summary>
    public static IReadOnlyList<CheckpointFile> Write(
        IFileStore store, string folder, string tag, IDevice device, WorkerParameters parameters, PlacementMap map, int rank)
    {
        ModelConfiguration configuration = parameters.Model;
        var shard = new CheckpointShard(device);
        if (rank == 0)
        {
            shard.Add(parameters.Dense, HuggingFaceNames.Dense(configuration));
        }

        for (int i = 0; i < parameters.Shards.Count; i++)
        {
            (ExpertId id, ParameterBlock block) = parameters.Shards.At(i);
            if (map.RanksOf(id.Layer)[id.Expert] == rank)
            {
                shard.Add(block, HuggingFaceNames.Expert(configuration, id.Layer, id.Expert));
            }
        }

        return shard.Write(store, folder, parameters.Version, tag, rank, map.Workers.Length);
    }
}
