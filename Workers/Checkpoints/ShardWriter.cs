using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Checkpoints;

/// <summary>What one worker writes of a checkpoint: its experts; rank 0 adds the dense part, and an expert with replicas is written by its home.</summary>
internal static class ShardWriter
{
    /// <summary>Writes the worker's files into a folder that exists.</summary>
    public static IReadOnlyList<CheckpointFile> Write(
        IFileStore store, string folder, string tag, WorkerParameters parameters, PlacementMap map, int rank)
    {
        var shard = new CheckpointShard();
        foreach ((ParameterBlock block, IReadOnlyList<TensorRegion> regions) in Blocks(parameters, map, rank))
        {
            shard.Add(block, regions);
        }

        return shard.Write(store, folder, parameters.Version, tag, rank, map.Workers.Length);
    }

    /// <summary>The blocks that the worker writes, and the names of their tensors in the checkpoint.</summary>
    public static IEnumerable<(ParameterBlock Block, IReadOnlyList<TensorRegion> Regions)> Blocks(WorkerParameters parameters, PlacementMap map, int rank)
    {
        ModelConfiguration model = parameters.Model;
        if (rank == 0)
        {
            yield return (parameters.Dense, HuggingFaceNames.Dense(model));
        }

        for (int i = 0; i < parameters.Shards.Count; i++)
        {
            (ExpertId id, ParameterBlock block) = parameters.Shards.At(i);
            if (map.RanksOf(id.Layer)[id.Expert] == rank)
            {
                yield return (block, HuggingFaceNames.Expert(model, id.Layer, id.Expert));
            }
        }
    }
}
