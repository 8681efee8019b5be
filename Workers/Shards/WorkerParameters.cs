using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Workers.Shards;

/// <summary>Brings a block to the state that a view starts from.</summary>
/// <param name="block">The block.</param>
/// <param name="expert">The expert that it is; null for the dense part.</param>
internal delegate void BlockLoader(ParameterBlock block, ExpertId? expert);

/// <summary>The parameters of one model on one worker, constant between two updates: the dense replica and the expert shards.</summary>
internal sealed class WorkerParameters : IDisposable
{
    private readonly IDevice _device;
    private readonly RunConfiguration _run;
    private readonly Optimizer _optimizer;

    public WorkerParameters(IDevice device, ShardMemory shards, RunConfiguration run)
    {
        _device = device;
        _run = run;
        _optimizer = new Optimizer(run.Optimizer);
        Dense = new ParameterBlock(device, "", ModelLayout.Dense(run.Model));
        Dense.Initialise(run.Model.Seed);
        Shards = new ShardTable(shards, run.Model);
    }

    /// <summary>The model whose parameters these are.</summary>
    public ModelConfiguration Model => _run.Model;

    /// <summary>The dense replica.</summary>
    public ParameterBlock Dense { get; }

    /// <summary>The expert shards on this worker.</summary>
    public ShardTable Shards { get; }

    /// <summary>Committed steps; −1 when a checkpoint could not be read to its end, so that nothing here means anything.</summary>
    public long Version { get; private set; }

    /// <summary>Comes to the step that a view starts at: a worker that is at another one loads that state, if there is one.</summary>
    /// <param name="version">The step.</param>
    /// <param name="state">Opens what has the state of that step; null for the seed.</param>
    /// <param name="map">What is placed where.</param>
    /// <param name="rank">This worker.</param>
    /// <param name="anew">Whether to start from there, or from the seed, whatever is here.</param>
    /// <exception cref="InvalidOperationException">The parameters are at another step.</exception>
    /// <exception cref="CheckpointException">The state cannot be read.</exception>
    public void StartAt(long version, Func<BlockLoader>? state, PlacementMap map, int rank, bool anew)
    {
        if (state is not null && (anew || Version != version))
        {
            Load(state(), map, rank, version);
        }
        else if (version == 0 && (anew || Version < 0))
        {
            Shards.Keep(_ => false);
            Dense.Reset(_run.Model.Seed);
            Version = 0;
        }

        if (version != Version)
        {
            throw new InvalidOperationException($"The view starts at step {version}; this worker has committed {Version}.");
        }
    }

    /// <summary>Opens the state that a checkpoint has.</summary>
    /// <param name="checkpoint">Its folder.</param>
    /// <param name="version">The step that it must be of.</param>
    /// <param name="moments">Whether the optimizer's state is read, too.</param>
    /// <exception cref="CheckpointException">It cannot be read, or is of another step.</exception>
    public BlockLoader Open(string checkpoint, long version, bool moments)
    {
        CheckpointFolder folder = CheckpointFolder.Open(checkpoint, Model.Kinds);
        return folder.Step == version
            ? (block, expert) => folder.Load(
                _device, block, expert is { } id ? HuggingFaceNames.Expert(Model, id.Layer, id.Expert) : HuggingFaceNames.Dense(Model), moments)
            : throw new CheckpointException($"The checkpoint is at step {folder.Step}; the model was committed up to {version}.");
    }

    /// <summary>
    /// Sees to it that the shards of a map are here. At version 0 a shard is as its seed made it, wherever it is: those of the map come into being;
    /// later they must be here.
    /// </summary>
    /// <exception cref="InvalidOperationException">A shard of the map is not here.</exception>
    public void Hold(PlacementMap map, int rank)
    {
        foreach (ShardId shard in On(map, rank).Where(shard => !Shards.Contains(shard.ExpertId)))
        {
            if (Version > 0)
            {
                throw new InvalidOperationException($"Shard {shard} is placed here but is not in the table, at step {Version}.");
            }

            Shards.Create(shard.ExpertId);
        }
    }

    /// <summary>Applies a step's gradients.</summary>
    /// <param name="step">The step, which is committed afterwards.</param>
    /// <param name="dense">Gradients of the dense replica. Those of shards are in their blocks.</param>
    /// <param name="scale">Factor of all gradients.</param>
    /// <param name="arrived">Copies beside the table that share in the update.</param>
    public void Update(long step, DeviceSpan<float> dense, float scale, IEnumerable<ParameterBlock> arrived)
    {
        _optimizer.Apply(_device, Dense, dense, scale, step);
        for (int i = 0; i < Shards.Count; i++)
        {
            ParameterBlock block = Shards.At(i).Block;
            _optimizer.Apply(_device, block, block.Gradients, scale, step);
        }

        foreach (ParameterBlock block in arrived)
        {
            _optimizer.Apply(_device, block, block.Gradients, scale, step);
        }

        Version = step;
    }

    public void Dispose()
    {
        Shards.Dispose();
        Dense.Dispose();
    }

    private void Load(BlockLoader load, PlacementMap map, int rank, long version)
    {
        Version = -1;
        load(Dense, null);
        Shards.Keep(_ => false);
        foreach (ShardId shard in On(map, rank))
        {
            load(Shards.Add(shard.ExpertId), shard.ExpertId);
        }

        Version = version;
    }

    private static IEnumerable<ShardId> On(PlacementMap map, int rank) => map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) == rank);
}
