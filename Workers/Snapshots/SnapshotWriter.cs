using Microsoft.Extensions.Logging;
using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Checkpoints;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Snapshots;

/// <summary>
/// One worker's part of the snapshots of a model: copied to host memory between two steps, on the executor; then, by a thread of its own while training goes
/// on, sent to a neighbour's memory and written. From the memory of those that are left the run goes on when a silo is lost; what they do not have is on disk. Where there is not
/// enough memory, nothing is sent, and where there is not even enough for one copy, the part is written at once, and training waits.
/// </summary>
internal sealed class SnapshotWriter : IDisposable
{
    private readonly IFileStore _files;
    private readonly CheckpointPlaces _places;
    private readonly string _model;
    private readonly WorkerId _worker;
    private readonly ILogger _log;
    private readonly Dictionary<int, float[]> _tensors = [];
    private Task<SnapshotPart>? _writing;

    /// <param name="model">Name of the model.</param>
    /// <param name="shape">The model.</param>
    /// <param name="files">Where files are written.</param>
    /// <param name="places">Where snapshots are on this machine.</param>
    /// <param name="free">Bytes that copies may still have.</param>
    /// <param name="worker">The worker, for the log.</param>
    /// <param name="log">The host's log.</param>
    public SnapshotWriter(
        string model, ModelConfiguration shape, IFileStore files, CheckpointPlaces places, Func<long> free, WorkerId worker, ILogger log)
    {
        _model = model;
        _files = files;
        _places = places;
        _worker = worker;
        _log = log;
        Copies = new SnapshotCopies(shape, free);
        Exchange = new SnapshotExchange(Copies);
    }

    /// <summary>The copies.</summary>
    public SnapshotCopies Copies { get; }

    /// <summary>Carries them between workers.</summary>
    public SnapshotExchange Exchange { get; }

    /// <summary>Copies what the worker has to write, and begins to send and to write it. Waits for a snapshot that is still being written.</summary>
    /// <param name="command">The snapshot.</param>
    /// <param name="parameters">What the worker holds.</param>
    /// <param name="map">The placement.</param>
    /// <param name="rank">The worker's rank.</param>
    /// <param name="open">Opens the communicator for the copies.</param>
    public void Begin(SnapshotCommand command, WorkerParameters parameters, PlacementMap map, int rank, Func<ICommunicator> open)
    {
        _writing?.Wait();
        Exchange.Renew();
        BlockId[] mine = SnapshotExchange.PartOf(map, rank);
        bool hasNeighbours = SnapshotRing.Of(map.Workers).Length > 0;
        bool shares = hasNeighbours && Copies.Reserve(command.Tag, command.Kept, [.. mine, .. SnapshotExchange.HeldFor(map, rank)]);
        bool hasRoom = shares || Copies.Reserve(command.Tag, kept: null, mine);
        if (hasNeighbours && !shares)
        {
            const string Reason = "It has not the memory.";
            Exchange.Refuse(open, new InvalidOperationException($"Worker {_worker} keeps no copies for others: {Reason}"));
            SnapshotLog.NotShared(_log, _model, _worker, command.Step, Reason);
        }

        var shard = new CheckpointShard();
        foreach ((ExpertId? expert, ParameterBlock block, IReadOnlyList<TensorRegion> regions) in ShardWriter.Blocks(parameters, map, rank))
        {
            if (hasRoom)
            {
                BlockCopy copy = Copies.Claim(command.Tag, new BlockId(expert));
                copy.Take(block);
                shard.Add(block, regions, (parameter, part) => TensorOf(copy.Of(parameter, part)));
            }
            else
            {
                shard.Add(block, regions);
            }
        }

        _writing = hasRoom
            ? Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : Task.FromResult(Write());

        SnapshotPart Write()
        {
            if (shares)
            {
                Share(command, map, rank, open);
            }

            SnapshotPart part = WritePart(command, shard, rank, map.Workers.Length);
            _tensors.Clear();
            return part;
        }
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
        Exchange.Dispose();
        _writing?.Wait();
        Exchange.Dispose();
        Copies.Forget();
    }

    /// <summary>What cannot be sent is on disk.</summary>
    private void Share(SnapshotCommand command, PlacementMap map, int rank, Func<ICommunicator> open)
    {
        try
        {
            Exchange.Share(open, command.Tag, map, rank);
        }
        catch (Exception e)
        {
            SnapshotLog.NotShared(_log, _model, _worker, command.Step, e.Message);
        }
    }

    /// <summary>A tensor as what writes it takes it, in memory that is the next one's afterwards.</summary>
    private float[] TensorOf(ReadOnlySpan<float> values)
    {
        if (!_tensors.TryGetValue(values.Length, out float[]? tensor))
        {
            tensor = new float[values.Length];
            _tensors.Add(values.Length, tensor);
        }

        values.CopyTo(tensor);
        return tensor;
    }

    private SnapshotPart WritePart(SnapshotCommand command, CheckpointShard shard, int rank, int workers)
    {
        try
        {
            // Where silos have disks of their own, the coordinator has made the folder on one of them.
            string folder = _places.Resolve(command.Place);
            DurableFolder.Make(folder);
            return new SnapshotPart(command.Tag, [.. shard.Write(_files, folder, command.Step, command.Tag, rank, workers)], Error: null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            return new SnapshotPart(command.Tag, [], $"rank {rank} could not write to '{command.Place}': {e.Message}");
        }
    }
}

/// <summary>What is told of copies. Event ids go on from those of the worker host.</summary>
internal static partial class SnapshotLog
{
    [LoggerMessage(310, LogLevel.Information, "Model {Model}, worker {Worker}: no copies of its neighbours' parts of the snapshot of step {Step}, or not all of them: {Reason} What they would save is read from disk.")]
    public static partial void NotShared(ILogger log, string model, WorkerId worker, long step, string reason);
}
