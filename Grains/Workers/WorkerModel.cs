using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Grains.Switching;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Workers;

/// <summary>
/// One model on one worker: what it holds - parameters, gradients, arenas - and its place in an epoch. All of it runs on the worker's executor
/// thread.
/// </summary>
internal sealed class WorkerModel : IDisposable
{
    private readonly ICommunicatorProvider _communicators;
    private readonly CallerBuffers _memory;
    private readonly RunConfiguration _run;
    private readonly Arena _arena;
    private readonly Arena _parts;
    private readonly ArenaReservation? _reservation;

    public WorkerModel(
        WorkerId worker, IDevice device, ShardMemory shards, RunConfiguration run, IFileStore files, CallerBuffers memory,
        ICommunicatorProvider communicators, Action<Action> courier)
    {
        _communicators = communicators;
        _memory = memory;
        _run = run;
        _arena = new Arena(device);
        _parts = new Arena(device);
        _reservation = device.Computes && MemoryEstimator.Knows(run) ? new ArenaReservation(run, [_arena, _parts]) : null;
        Files = files;
        Device = device;
        Parameters = new WorkerParameters(device, shards, run);
        Gauge = new ModelGauge(Parameters.Shards, () => Arenas);
        Switchover = new Switchover(worker, Parameters.Shards, courier);
        Gradients = new StepGradients(device, Parameters, Switchover, run.Model);
        Gates = new GateTable(run.Model);
        Times = new StepTimes(device, run.Model.Layers);
        Decoder = new DecoderStep(Gradients, _reservation, Times.Clock);
    }

    /// <summary>Where checkpoints are written.</summary>
    public IFileStore Files { get; }

    /// <summary>The device that holds it all.</summary>
    public IDevice Device { get; }

    /// <summary>The dense replica and the expert shards.</summary>
    public WorkerParameters Parameters { get; }

    /// <summary>Gradients of the step at work.</summary>
    public StepGradients Gradients { get; }

    /// <summary>The policies by which its gates route.</summary>
    public GateTable Gates { get; }

    /// <summary>The change of placement in progress.</summary>
    public Switchover Switchover { get; }

    /// <summary>Where the time of steps goes.</summary>
    public StepTimes Times { get; }

    /// <summary>What this model has of the device's memory.</summary>
    public ModelGauge Gauge { get; }

    /// <summary>The place in the open epoch; null when none is open.</summary>
    public EpochView? View { get; private set; }

    /// <summary>Steps and evaluations of a model that has a decoder for a backbone.</summary>
    public DecoderStep Decoder { get; }

    /// <summary>The step at work of a layer without a backbone; null for a model that has one, or when no epoch is open.</summary>
    public LayerStep? Layer { get; private set; }

    /// <summary>Memory of a round: of a layer's pass, and of what must outlast it. Behind these, the memory of passes that wait for their backward.</summary>
    public IReadOnlyList<Arena> Arenas => View?.Model is LayerModel layer ? [_arena, _parts, .. layer.Arenas] : [_arena, _parts];

    /// <summary>Bytes that the arenas hold.</summary>
    public long ArenaBytes => Arenas.Sum(arena => arena.BytesHeld);

    /// <summary>The most bytes that rounds have needed of them.</summary>
    public long ArenaPeakBytes => Arenas.Sum(arena => arena.PeakBytes);

    /// <summary>Joins an epoch of new members.</summary>
    /// <exception cref="InvalidOperationException">A shard of the map is not here, or the version is another.</exception>
    /// <exception cref="CheckpointException">The checkpoint to start from cannot be read.</exception>
    public void OpenEpoch(OrderHead head, OpenEpochOrder order, PlacementMap map, int rank)
    {
        Parameters.StartAt(order.Version, order.Checkpoint, map, rank);
        Switchover.Open();
        Parameters.Hold(map, rank);
        View?.Dispose();
        Gradients.Drop();
        Gradients.Counts.Withdraw();
        ICommunicator communicator = _communicators.Open(Spec(CommunicatorPurpose.StepProgram, head, map, rank));
        Enter(new EpochView(head.Epoch, map, rank, _run, Device, _arena, _parts, Parameters, communicator, Times.Clock));
        Gates.Apply([.. order.Gates.Select(gate => gate.ToPolicy())], View!.Model);
    }

    /// <summary>Begins to copy the shards of a change of placement.</summary>
    /// <param name="head">Of the order that it came with.</param>
    /// <param name="change">The change.</param>
    /// <param name="besideStep">Whether a step runs meanwhile.</param>
    public void BeginSwitch(OrderHead head, SwitchMessage change, bool besideStep)
    {
        // A communicator of its own for every attempt: a failed one is dead, and must not take the step's with it.
        CommunicatorSpec spec = Spec(CommunicatorPurpose.ShardCopy, head, View!.Map, View.Rank) with { Attempt = head.Number };
        Switchover.Begin(change, besideStep, spec.Rank, () => _communicators.Open(spec));
    }

    /// <summary>Goes over to an epoch whose shards have arrived.</summary>
    /// <exception cref="InvalidOperationException">No such epoch waits.</exception>
    public void Adopt(long epoch)
    {
        PlacementMap map = Switchover.Adopt(epoch)
            ?? throw new InvalidOperationException($"Epoch {epoch} cannot be adopted: its shards have not arrived.");
        Enter(View!.Next(epoch, map));
    }

    /// <summary>Applies the prepared gradients.</summary>
    public void Commit(long step)
    {
        Parameters.Update(step, Gradients.Dense, _run.Optimizer.ClipFactor(Gradients.Norm), Switchover.Arrived);
        View!.Model.EndStep(Gradients.Dense);
        Gradients.Drop();
    }

    /// <summary>Forgets the prepared gradients; nothing else has changed.</summary>
    public void Abort()
    {
        Gradients.Drop();
        Switchover.Drop();
    }

    /// <summary>Ends what waits for peers, in the step and beside it. From any thread.</summary>
    public void Interrupt(Exception cause)
    {
        View?.Communicator.Abort(cause);
        Switchover.End(cause);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Switchover.Drop();
        View?.Dispose();
        Layer?.Dispose();
        Gradients.Dispose();
        Parameters.Dispose();
        _arena.Dispose();
        _parts.Dispose();
    }

    private static CommunicatorSpec Spec(CommunicatorPurpose purpose, OrderHead head, PlacementMap map, int rank) =>
        new(map.Workers.Select((worker, index) => new CommunicatorMember(index, worker.Silo, worker.Device)), rank)
        {
            Purpose = purpose,
            Model = head.Model,
            Term = head.Term,
            View = head.Epoch,
            ProgressDeadline = WorkerHost.PeerDeadline,
        };

    private void Enter(EpochView view)
    {
        View = view;
        Gradients.Enter(view);
        Layer?.Dispose();
        Layer = view.Model is LayerModel layer ? new LayerStep(Device, view, layer, Gradients, _memory, _run.MicroBatches) : null;

        // Every shard has been found where this epoch has it: copies elsewhere have done their duty.
        Switchover.Release(expert => view.Map.PlacementOf(expert.Layer).Holds(expert.Expert, view.Rank));
        _reservation?.Enter(view);
    }
}
