using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Grains.Switching;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;
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
    /// <summary>Tells the courier's communicators from the model's own; no model's name can end so.</summary>
    private const string CourierMark = "/moves";

    private readonly ICommunicatorProvider _communicators;
    private readonly IDevice _device;
    private readonly RunConfiguration _run;
    private readonly Optimizer _optimizer;
    private readonly Arena _arena;
    private readonly Arena _parts;
    private readonly ParameterBlock _dense;
    private readonly DeviceBuffer _denseSumMemory;
    private readonly DeviceSpan<float> _denseSum;
    private readonly List<LossPart> _losses = [];
    private readonly ArenaReservation? _reservation;
    private GradientNorm? _norm;
    private volatile RoutingStatistics? _routing;
    private volatile IReadOnlyList<GatePolicy> _gates = [];

    public WorkerModel(
        WorkerId worker, IDevice device, ShardMemory shards, RunConfiguration run, IFileStore files, CallerMemory memory,
        ICommunicatorProvider communicators, Action<Action> courier)
    {
        _communicators = communicators;
        Files = files;
        Memory = memory;
        _device = device;
        _run = run;
        _optimizer = new Optimizer(run.Optimizer);
        _arena = new Arena(device);
        _parts = new Arena(device);
        _reservation = device.Computes && MemoryEstimator.Knows(run) ? new ArenaReservation(run, [_arena, _parts]) : null;
        _dense = new ParameterBlock(device, "", ModelLayout.Dense(run.Model));
        _dense.Initialise(run.Model.Seed);
        _denseSumMemory = device.Allocate(sizeof(float) * (long)_dense.Length);
        _denseSum = _denseSumMemory.As<float>().Slice(0, _dense.Length);
        Shards = new ShardTable(shards, run.Model);
        Gauge = new ModelGauge(Shards, () => Arenas);
        Switchover = new Switchover(worker, Shards, courier);
        Counts = new RoutingCounts(run.Model);
        Times = new StepTimes(device, run.Model.Layers);
    }

    /// <summary>Micro-batches of a step.</summary>
    public int MicroBatches => _run.MicroBatches;

    /// <summary>Where checkpoints are written.</summary>
    public IFileStore Files { get; }

    /// <summary>Memory that callers in this process lend.</summary>
    public CallerMemory Memory { get; }

    /// <summary>The device that holds it all.</summary>
    public IDevice Device => _device;

    /// <summary>Memory of a round: of a layer's pass, and of what must outlast it. Behind these, the memory of passes that wait for their backward.</summary>
    public IReadOnlyList<Arena> Arenas => View?.Model is LayerModel layer ? [_arena, _parts, .. layer.Arenas] : [_arena, _parts];

    /// <summary>What this model has of the device's memory.</summary>
    public ModelGauge Gauge { get; }

    /// <summary>The expert shards on this worker.</summary>
    public ShardTable Shards { get; }

    /// <summary>The change of placement in progress.</summary>
    public Switchover Switchover { get; }

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

    /// <summary>Routing of the step that is prepared.</summary>
    public RoutingCounts Counts { get; }

    /// <summary>Routing of the last step that was prepared in the open epoch; null before the first. Grains of the silo read it at any time.</summary>
    public RoutingStatistics? Routing => _routing;

    /// <summary>Shows the routing of the step that is prepared to whoever asks.</summary>
    public RoutingStatistics PublishRouting() => _routing = Counts.Copy(Prepared);

    /// <summary>Bytes that the arenas hold.</summary>
    public long ArenaBytes => Arenas.Sum(arena => arena.BytesHeld);

    /// <summary>The most bytes that rounds have needed of them.</summary>
    public long ArenaPeakBytes => Arenas.Sum(arena => arena.PeakBytes);

    /// <summary>Where the time of steps goes.</summary>
    public StepTimes Times { get; }

    /// <summary>The dense replica.</summary>
    public ParameterBlock Dense => _dense;

    /// <summary>Gradients of the dense replica over the micro-batches of the step, of which each rank has its piece until they are complete.</summary>
    public DeviceSpan<float> DenseSum => _denseSum;

    /// <summary>
    /// Joins an epoch of new members. At version 0 a shard is as its seed made it, wherever it is: those of the map come into being; later they
    /// must be here.
    /// </summary>
    /// <exception cref="InvalidOperationException">A shard of the map is not here, or the version is another.</exception>
    /// <exception cref="CheckpointException">The checkpoint to start from cannot be read.</exception>
    public void OpenEpoch(OrderHead head, OpenEpochOrder order, PlacementMap map, int rank)
    {
        long version = order.Version;
        if (version > 0 && Version == 0 && order.Checkpoint is { } checkpoint)
        {
            Restore(CheckpointFolder.Open(checkpoint, _run.Model.Kinds), map, rank, version);
        }

        if (version != Version)
        {
            throw new InvalidOperationException($"The epoch starts at step {version}; this worker has committed {Version}.");
        }

        Switchover.Open();
        foreach (ShardId shard in map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) == rank && !Shards.Contains(shard.ExpertId)))
        {
            if (version > 0)
            {
                throw new InvalidOperationException($"Shard {shard} is placed here but is not in the table, at step {version}.");
            }

            Shards.Create(shard.ExpertId);
        }

        View?.Dispose();
        Prepared = 0;
        _routing = null;
        ICommunicator communicator = _communicators.Open(head.Model, head.Epoch, rank, map.Workers.Length, WorkerHost.PeerDeadline);
        Enter(new EpochView(head.Epoch, map, rank, _run, _device, _arena, _parts, _dense, Shards, communicator, Times.Clock));
        Configure([.. order.Gates.Select(gate => gate.ToPolicy())]);
    }

    /// <summary>Routes by these policies from the next pass on; layers that are not named, as the run began.</summary>
    /// <exception cref="ArgumentException">A gate refuses its policy.</exception>
    public void Configure(IReadOnlyList<GatePolicy> gates)
    {
        foreach (int layer in _run.Model.MoELayers)
        {
            GateOptions wanted = gates.FirstOrDefault(gate => gate.Layer == layer)?.Options ?? _run.Model.Gate;
            IGate gate = View!.Model.GateOf(layer)!;
            if (gate.Options != wanted)
            {
                gate.Reconfigure(wanted);
            }
        }

        _gates = gates;
    }

    /// <summary>The policy of a layer, as it was told.</summary>
    public GatePolicy PolicyOf(int layer) => _gates.FirstOrDefault(gate => gate.Layer == layer) ?? new GatePolicy(layer, 1, _run.Model.Gate);

    /// <summary>Begins to copy the shards of a change of placement.</summary>
    /// <param name="head">Of the order that it came with.</param>
    /// <param name="change">The change.</param>
    /// <param name="besideStep">Whether a step runs meanwhile.</param>
    public void BeginSwitch(OrderHead head, SwitchMessage change, bool besideStep)
    {
        int rank = View!.Rank;
        int size = View.Map.Workers.Length;

        // A communicator of its own for every attempt: a failed one is dead, and must not take the step's with it.
        string name = head.Model + CourierMark;
        long number = (head.Term << 32) + head.Number;
        Switchover.Begin(change, besideStep, rank, () => _communicators.Open(name, number, rank, size, WorkerHost.PeerDeadline));
    }

    /// <summary>Goes over to an epoch whose shards have arrived.</summary>
    /// <exception cref="InvalidOperationException">No such epoch waits.</exception>
    public void Adopt(long epoch)
    {
        PlacementMap map = Switchover.Adopt(epoch)
            ?? throw new InvalidOperationException($"Epoch {epoch} cannot be adopted: its shards have not arrived.");
        Enter(View!.Next(epoch, map));
    }

    private void Enter(EpochView view)
    {
        _norm?.Dispose();
        View = view;
        _norm = new GradientNorm(_device, view.Map, view.Rank, Shards);
        Layer?.Dispose();
        Layer = view.Model is LayerModel layer ? new LayerStep(this, view, layer) : null;

        // Every shard has been found where this epoch has it: copies elsewhere have done their duty.
        Switchover.Release(expert => view.Map.PlacementOf(expert.Layer).Holds(expert.Expert, view.Rank));
        _reservation?.Enter(view);
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
            checkpoint.Load(_device, Shards.Create(shard.ExpertId), HuggingFaceNames.Expert(_run.Model, shard.Layer, shard.Expert));
        }

        Version = version;
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
            if (batch is not null)
            {
                _reservation?.Cover(view, MicroBatchShape.Of(batch));
            }

            Times.Clock.Enter(Phase.Dense);
            MicroBatchLoss loss = view.Decoder.Train(
                batch, 1f / Math.Max(1, targets), 1f / microBatches, new MicroBatchPlace(step, index));
            Times.Clock.Enter(Phase.Gradients);
            view.EndRound();
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, loss.CrossEntropySum, loss.Auxiliary));
                Counts.Add(index, view.Decoder);
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
            Shards.At(i).Block.BeginGradients();
        }
    }

    /// <summary>Completes the gradients that were added: from here on the step is prepared.</summary>
    /// <returns>The norm of the gradient.</returns>
    public double CompleteGradients(long step)
    {
        View!.Communicator.ShareOwned(_denseSum);
        for (int i = 0; i < Shards.Count; i++)
        {
            Shards.At(i).Block.EndGradients();
        }

        View.EndStep();
        Switchover.GradientsAreReady();
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

        foreach (ParameterBlock block in Switchover.Arrived)
        {
            _optimizer.Apply(_device, block, block.Gradients, scale, step);
        }

        View!.Model.EndStep(_denseSum);
        Version = step;
        Prepared = 0;
    }

    /// <summary>Ends what waits for peers, in the step and beside it. From any thread.</summary>
    public void Interrupt(Exception cause)
    {
        View?.Communicator.Abort(cause);
        Switchover.End(cause);
    }

    /// <summary>Finds out what is not finite in a step. Prepared gradients are lost.</summary>
    public NonFinitePart[] Locate(long step, int microBatches, long targets, IReadOnlyDictionary<int, MicroBatch> mine)
    {
        Prepared = 0;
        return new NonFiniteSearch(_device, View!, Shards, _dense, _denseSum).Run(step, microBatches, targets, mine);
    }

    /// <summary>Forgets the prepared gradients; nothing else has changed.</summary>
    public void Abort()
    {
        Prepared = 0;
        Switchover.Drop();
    }

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
        Switchover.Drop();
        View?.Dispose();
        _norm?.Dispose();
        Layer?.Dispose();
        Shards.Dispose();
        _dense.Dispose();
        _denseSumMemory.Dispose();
        _arena.Dispose();
        _parts.Dispose();
    }
}
