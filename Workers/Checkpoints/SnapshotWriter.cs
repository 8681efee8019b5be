using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Checkpoints;

/// <summary>
/// One worker's part of the snapshots of a model: copied to host memory between two steps, on the executor, and written by a thread of its own while
/// training goes on. The copy's memory stays for the next snapshot. Where there is not enough of it, the part is written at once, and training waits.
/// </summary>
/// <param name="files">Where files are written.</param>
/// <param name="places">Where snapshots are on this machine.</param>
/// <param name="free">Bytes that the worker may still allocate.</param>
internal sealed class SnapshotWriter(IFileStore files, CheckpointPlaces places, Func<long> free) : IDisposable
{
    private readonly Dictionary<(string Block, string Tensor, BlockPart Part), float[]> _copies = [];
    private Task<SnapshotPart>? _writing;
    private long _bytes;

    /// <summary>Bytes of host memory that copies have. From any thread.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Copies what the worker has to write, and begins to write it. Waits for a snapshot that is still being written.</summary>
    public void Begin(SnapshotCommand command, WorkerParameters parameters, PlacementMap map, int rank)
    {
        _writing?.Wait();
        (ParameterBlock Block, IReadOnlyList<TensorRegion> Regions)[] blocks = [.. ShardWriter.Blocks(parameters, map, rank)];
        bool hasRoom = Reserve(blocks.Select(block => block.Block));
        var shard = new CheckpointShard();
        foreach ((ParameterBlock block, IReadOnlyList<TensorRegion> regions) in blocks)
        {
            if (hasRoom)
            {
                Copy(block);
                shard.Add(block, regions, (parameter, part) => _copies[Key(block, parameter, part)]);
            }
            else
            {
                shard.Add(block, regions);
            }
        }

        int workers = map.Workers.Length;
        _writing = hasRoom
            ? Task.Factory.StartNew(
                () => Write(command, shard, rank, workers), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : Task.FromResult(Write(command, shard, rank, workers));
    }

    /// <summary>The part that is on disk and has not been taken; null for none.</summary>
    public SnapshotPart? Take() => _writing is { IsCompleted: true } ? Finish() : null;

    /// <summary>Waits for the part that is being written; null when there is none.</summary>
    public SnapshotPart? Finish()
    {
        SnapshotPart? part = _writing?.Result;
        _writing = null;
        return part;
    }

    public void Dispose()
    {
        _writing?.Wait();
        Forget(_copies.Keys);
    }

    /// <summary>Makes room for copies of some blocks, and keeps no others; false when there is not enough.</summary>
    private bool Reserve(IEnumerable<ParameterBlock> blocks)
    {
        var wanted = (
            from block in blocks
            from parameter in block.Parameters
            from part in Enum.GetValues<BlockPart>()
            select (Key: Key(block, parameter, part), parameter.Shape.Count)).ToDictionary(one => one.Key, one => one.Count);
        Forget([.. _copies.Keys.Where(key => !wanted.ContainsKey(key))]);
        var missing = wanted.Where(one => !_copies.ContainsKey(one.Key)).ToArray();
        if (missing.Sum(one => (long)one.Value) * sizeof(float) > free())
        {
            Forget([.. _copies.Keys]);
            return false;
        }

        foreach (((string, string, BlockPart) key, int count) in missing)
        {
            _copies.Add(key, new float[count]);
            Interlocked.Add(ref _bytes, (long)count * sizeof(float));
        }

        return true;
    }

    private void Copy(ParameterBlock block)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            foreach (BlockPart part in Enum.GetValues<BlockPart>())
            {
                block.Read(parameter, part, _copies[Key(block, parameter, part)]);
            }
        }
    }

    private void Forget(IEnumerable<(string, string, BlockPart)> keys)
    {
        foreach ((string, string, BlockPart) key in keys)
        {
            _copies.Remove(key, out float[]? copy);
            Interlocked.Add(ref _bytes, -(long)copy!.Length * sizeof(float));
        }
    }

    private static (string Block, string Tensor, BlockPart Part) Key(ParameterBlock block, Parameter parameter, BlockPart part) =>
        (block.Prefix, parameter.Shape.Name, part);

    private SnapshotPart Write(SnapshotCommand command, CheckpointShard shard, int rank, int workers)
    {
        try
        {
            // Where silos have disks of their own, the coordinator has made the folder on one of them.
            string folder = places.Resolve(command.Place);
            DurableFolder.Make(folder);
            return new SnapshotPart(command.Tag, [.. shard.Write(files, folder, command.Step, command.Tag, rank, workers)], Error: null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            return new SnapshotPart(command.Tag, [], $"rank {rank} could not write to '{command.Place}': {e.Message}");
        }
    }
}
