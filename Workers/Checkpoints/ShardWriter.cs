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
        foreach ((_, ParameterBlock block, IReadOnlyList<TensorRegion> regions) in Blocks(parameters, map, rank))
        {
            shard.Add(block, regions);
        }

        return shard.Write(store, folder, parameters.Version, tag, rank, map.Workers.Length);
    }

    /// <summary>What a worker writes: experts, and null for the dense part.</summary>
    public static IEnumerable<ExpertId?> PartOf(PlacementMap map, int rank)
    {
        if (rank == 0)
        {
            yield return null;
        }

        for (int layer = 0; layer < map.Layers; layer++)
        {
            for (int expert = 0; expert < map.RanksOf(layer).Length; expert++)
            {
                if (map.RanksOf(layer)[expert] == rank)
                {
                    yield return new ExpertId(layer, expert);
                }
            }
        }
    }

    /// <summary>The blocks that the worker writes, and the names of their tensors in the checkpoint.</summary>
    public static IEnumerable<(ExpertId? Expert, ParameterBlock Block, IReadOnlyList<TensorRegion> Regions)> Blocks(
        WorkerParameters parameters, PlacementMap map, int rank) => PartOf(map, rank).Select(part => part is { } expert
            ? (part, parameters.Shards[expert], HuggingFaceNames.Expert(parameters.Model, expert.Layer, expert.Expert))
            : (part, parameters.Dense, HuggingFaceNames.Dense(parameters.Model)));
}
