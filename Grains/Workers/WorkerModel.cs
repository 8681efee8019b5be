using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement;

namespace MoEActors.Grains.Workers;

/// <summary>
/// One model on one worker: the dense replica, the shard table, gradients, and the collective program of a step. All of it runs on the
/// worker's executor thread.
/// </summary>
internal sealed class WorkerModel : IDisposable
{
    private readonly IDevice _device;
    private readonly RunConfiguration _run;
    private readonly Optimizer _optimizer;
    private readonly Arena _arena;
    private readonly ParameterBlock _dense;
    private readonly DeviceBuffer _denseSumMemory;
    private readonly DeviceSpan<float> _denseSum;
    private readonly List<LossPart> _losses = [];
    private GradientNorm? _norm;
    private int _resident;

    public WorkerModel(IDevice device, RunConfiguration run, IFileStore files, CallerMemory memory)
    {
        Files = files;
        Memory = memory;
        _device = device;
        _run = run;
        _optimizer = new Optimizer(run.Optimizer);
        _arena = new Arena(device);
        _dense = new ParameterBlock(device, "", ModelLayout.Dense(run.Model));
        _dense.Initialise(run.Model.Seed);
        _denseSumMemory = device.Allocate(sizeof(float) * (long)_dense.Length);
        _denseSum = _denseSumMemory.As<float>().Slice(0, _dense.Length);
        Shards = new ShardTable(device, run.Model);
        Counts = new RoutingCounts(run.Model);
    }

    /// <summary>Where checkpoints are written.</summary>
    public IFileStore Files { get; }

    /// <summary>Memory that callers in this process lend.</summary>
    public CallerMemory Memory { get; }

    /// <summary>The device that holds it all.</summary>
    public IDevice Device => _device;

    /// <summary>The expert shards on this worker.</summary>
    public ShardTable Shards { get; }

    /// <summary>Committed steps.</summary>
    public long Version { get; private set; }

    /// <summary>The step whose gradients are kept until they are committed or aborted; 0 for none.</summary>
    public long Prepared { get; private set; }

    /// <summary>Norm of the prepared step's gradient.</summary>
    public double PreparedNorm { get; private set; }

    /// <summary>The place in the open epoch; null when none is open.</summary>
    public EpochView? View { get; private set; }

    /// <summary>The step at work of a layer without a trunk; null for a model that has one, or when no epoch is open.</summary>
    public LayerStep? Layer { get; private set; }

    /// <summary>Routing of the step prepared last.</summary>
    public RoutingCounts Counts { get; }

    /// <summary>The dense replica.</summary>
    public ParameterBlock Dense => _dense;

    /// <summary>Gradients of the dense replica over the micro-batches of the step, of which each rank has its piece until they are complete.</summary>
    public DeviceSpan<float> DenseSum => _denseSum;

    /// <summary>
    /// Joins an epoch. At version 0 a shard is as its seed made it, wherever it is: those of the map come into being; later they must be here
    /// or have arrived.
    /// </summary>
    /// <exception cref="InvalidOperationException">A shard of the map is not here, or the version is another.</exception>
    /// <exception cref="CheckpointException">The checkpoint to start from cannot be read.</exception>
    public void OpenEpoch(long epoch, PlacementMap map, int rank, long version, string? checkpoint, Func<ICommunicator> open)
    {
        if (version > 0 && Version == 0 && checkpoint is not null)
        {
            Restore(CheckpointFolder.Open(checkpoint, _run.Model.Kinds), map, rank, version);
        }

        if (version != Version)
        {
            throw new InvalidOperationException($"The epoch starts at step {version}; this worker has committed {Version}.");
        }

        foreach (ShardId shard in map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) == rank && !Shards.Contains(shard)))
        {
            if (version == 0)
            {
                Shards.Create(shard);
            }
            else if (!Shards.Adopt(shard))
            {
                throw new InvalidOperationException($"Shard {shard} is placed here but has not arrived, at step {version}.");
            }
        }

        Shards.DropArrived();
        View?.Dispose();
        _norm?.Dispose();
        Layer?.Dispose();

        Prepared = 0;
        View = new EpochView(epoch, map, rank, _run, _device, _arena, _dense, Shards, open());
        _norm = new GradientNorm(_device, map, rank, Shards);
        Layer = View.Model is LayerModel layer ? new LayerStep(this, View, layer, _run.MicroBatches) : null;
        _resident = map.Shards.Count(shard => map.RankOf(map.WorkerOf(shard)) == rank);
    }

    /// <summary>
    /// Frees the shards that the open epoch has elsewhere. Done with the first order of an epoch, not when it opens: that order says that every
    /// member has opened it, and with it that the copies have arrived.
    /// </summary>
    public void ReleaseMoved()
    {
        EpochView view = View!;
        if (Shards.Count != _resident)
        {
            Shards.Keep(shard => view.Map.RankOf(view.Map.WorkerOf(shard)) == view.Rank);
        }
    }

    private void Restore(CheckpointFolder checkpoint, PlacementMap map, int rank, long version)
    {
        if (checkpoint.Step != version)
        {
            throw new CheckpointException($"The checkpoint is at step {checkpoint.Step}; the model was committed up to {version}.");
        }

        checkpoint.Load(_device, _dense, HuggingFaceNames.Dense(_run.Model));
        Shards.Keep(_ => false);
        foreach (ShardId shard in map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) == rank))
        {
            checkpoint.Load(_device, Shards.Create(shard), HuggingFaceNames.Expert(_run.Model, shard.Layer, shard.Expert));
        }

        Version = version;
    }

    /// <summary>Copies whole shards - parameters and both moments - between ranks. Every member takes part.</summary>
    public void Transfer(IReadOnlyList<ShardTransfer> moves)
    {
        foreach ((ShardId shard, int from, int to) in moves)
        {
            ParameterBlock? source = View!.Rank == from ? Shards[shard] : null;
            ParameterBlock? target = View.Rank == to ? Shards.Receive(shard) : null;
            Copy(source?.Values, target?.Values, from, to);
            Copy(source?.FirstMoments, target?.FirstMoments, from, to);
            Copy(source?.SecondMoments, target?.SecondMoments, from, to);
        }
    }

    private void Copy(DeviceSpan<float>? source, DeviceSpan<float>? target, int from, int to)
    {
        ReadOnlySpan<Segment> away = source is { } sent ? [new Segment(to, 0, sent.Length)] : [];
        ReadOnlySpan<Segment> here = target is { } received ? [new Segment(from, 0, received.Length)] : [];
        View!.Communicator.AllToAll(source ?? default, away, target ?? default, here);
    }

    /// <summary>Forward and backward over all rounds; gradients are complete and kept afterwards.</summary>
    /// <param name="step">The step.</param>
    /// <param name="microBatches">Micro-batches of the step; rank m mod W runs micro-batch m in round ⌊m/W⌋.</param>
    /// <param name="targets">Predicted tokens of the step.</param>
    /// <param name="mine">This worker's micro-batches by index.</param>
    /// <returns>The norm of the gradient.</returns>
    public double Prepare(long step, int microBatches, long targets, IReadOnlyDictionary<int, MicroBatch> mine)
    {
        if (step != Version + 1)
        {
            throw new InvalidOperationException($"Step {step} cannot be prepared: this worker has committed {Version}.");
        }

        EpochView view = View!;
        _losses.Clear();
        ClearGradients();
        int workers = view.Map.Workers.Length;
        for (int first = 0; first < microBatches; first += workers)
        {
            int index = first + view.Rank;
            MicroBatch? batch = index < microBatches ? mine[index] : null;
            _dense.ClearGradients();
            MicroBatchLoss loss = view.Decoder.Train(
                batch, 1f / Math.Max(1, targets), 1f / microBatches, new MicroBatchPlace(step, index));
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, loss.CrossEntropySum, loss.Auxiliary));
                Counts.Add(view.Decoder);
            }

            view.Communicator.AddInRankOrder(_dense.Gradients, batch is not null, _denseSum);
        }

        return CompleteGradients(step);
    }

    /// <summary>Begins a step: nothing is prepared, no gradient added, nothing counted.</summary>
    public void ClearGradients()
    {
        Prepared = 0;
        Counts.Clear();
        _device.Fill(_denseSum, 0f);
        for (int i = 0; i < Shards.Count; i++)
        {
            Shards.At(i).Block.ClearGradients();
        }
    }

    /// <summary>Completes the gradients that were added: from here on the step is prepared.</summary>
    /// <returns>The norm of the gradient.</returns>
    public double CompleteGradients(long step)
    {
        View!.Communicator.ShareOwned(_denseSum);
        PreparedNorm = _norm!.Measure(_device, View.Communicator, _dense, _denseSum);
        Prepared = step;
        return PreparedNorm;
    }

    /// <summary>Losses of this worker's micro-batches of the prepared step.</summary>
    public LossPart[] Losses() => [.. _losses];

    /// <summary>Applies the prepared gradients.</summary>
    public void Commit(long step)
    {
        float scale = _run.Optimizer.ClipFactor(PreparedNorm);
        _optimizer.Apply(_device, _dense, _denseSum, scale, step);
        for (int i = 0; i < Shards.Count; i++)
        {
            ParameterBlock block = Shards.At(i).Block;
            _optimizer.Apply(_device, block, block.Gradients, scale, step);
        }

        View!.Model.EndStep(_denseSum);
        Version = step;
        Prepared = 0;
    }

    /// <summary>Forgets the prepared gradients; nothing else has changed.</summary>
    public void Abort() => Prepared = 0;

    /// <summary>Σ of the cross-entropy of this worker's micro-batches.</summary>
    public LossPart[] Evaluate(int microBatches, IReadOnlyDictionary<int, MicroBatch> mine)
    {
        EpochView view = View!;
        _losses.Clear();
        for (int first = 0; first < microBatches; first += view.Map.Workers.Length)
        {
            int index = first + view.Rank;
            MicroBatch? batch = index < microBatches ? mine[index] : null;
            double sum = view.Decoder.Evaluate(batch);
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, sum, 0));
            }
        }

        return Losses();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        View?.Dispose();
        _norm?.Dispose();
        Layer?.Dispose();
        Shards.Dispose();
        _dense.Dispose();
        _denseSumMemory.Dispose();
        _arena.Dispose();
    }
}
