using System.Net;
using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Memory;
using MoEActors.Workers.PlacementChange;
using MoEActors.Workers.Shards;
using MoEActors.Workers.Snapshots;

namespace MoEActors.Workers.Training;

/// <summary>
/// One model on one worker: what it holds - parameters, gradients, arenas - and its place in a view. All of it runs on the model's executor thread.
/// </summary>
internal sealed class WorkerModel : IDisposable
{
    private readonly ICommunicatorProvider _communicators;
    private readonly IDevice _copyDevice;
    private readonly Arena _parts;
    private readonly Lock _entering = new();
    private long _opening;

    /// <param name="worker">The worker.</param>
    /// <param name="device">The model's context on the worker's device.</param>
    /// <param name="run">The run; its names stand for this silo's kinds.</param>
    /// <param name="callers">Memory that callers of layers lend.</param>
    /// <param name="communicators">Opens the data plane.</param>
    /// <param name="copies">Queues work for the thread that copies shards.</param>
    /// <param name="snapshots">Writes the worker's parts of snapshots; null where none are taken.</param>
    /// <param name="estimate">What arenas need for a micro-batch; null where that is not known.</param>
    public WorkerModel(
        WorkerId worker, IDevice device, RunConfiguration run, CallerBuffers callers, ICommunicatorProvider communicators,
        Action<Action> copies, SnapshotWriter? snapshots, ArenaEstimator? estimate)
    {
        _communicators = communicators;
        Snapshots = snapshots;
        _parts = new Arena(device);
        Arena = new Arena(device);
        Reservation = device.Computes && estimate is not null ? new ArenaReservation(run.Model.Layers, [Arena, _parts], estimate) : null;
        Run = run;
        Callers = callers;
        Device = device;

        // Copies beside a step are queued apart from it; where the processor copies, the thread of copies does.
        _copyDevice = device.IsHostMemory ? device : device.OpenContext();
        Shards = new ShardMemory(device);
        Parameters = new WorkerParameters(device, Shards, run);
        Gauge = new ModelGauge(Parameters.Shards, () => Arenas);
        Changes = new PlacementChanges(worker, Parameters.Shards, copies);
        Gradients = new StepGradients(device, Parameters, Changes, run.Model);
        Gates = new GateTable(run.Model);
        Times = new StepTimes(device, run.Model.Layers);
    }

    public RunConfiguration Run { get; }

    public CallerBuffers Callers { get; }

    public IDevice Device { get; }

    public ShardMemory Shards { get; }

    public WorkerParameters Parameters { get; }

    public StepGradients Gradients { get; }

    public GateTable Gates { get; }

    public PlacementChanges Changes { get; }

    public SnapshotWriter? Snapshots { get; }

    public StepTimes Times { get; }

    public ModelGauge Gauge { get; }

    /// <summary>Memory of a layer's pass, and of a round where layers are kept.</summary>
    public Arena Arena { get; }

    /// <summary>Reserves arenas before a micro-batch; null where what it needs is not known.</summary>
    public ArenaReservation? Reservation { get; }

    /// <summary>The place in the open view; null when none is open.</summary>
    public WorkerView? View { get; private set; }

    private StepProgram? _program;

    /// <summary>What it does in steps.</summary>
    /// <exception cref="InvalidOperationException">No view is open.</exception>
    public StepProgram Program => _program ?? throw new InvalidOperationException("No view is open on this worker.");

    /// <summary>Memory of a round: of a layer's pass, and of what must outlast it. Behind these, the memory of passes that wait for their backward.</summary>
    public IReadOnlyList<Arena> Arenas => [Arena, _parts, .. _program?.PassArenas ?? []];

    public long ArenaBytes => Arenas.Sum(arena => arena.BytesHeld);

    /// <summary>The most that rounds have needed of them.</summary>
    public long ArenaPeakBytes => Arenas.Sum(arena => arena.PeakBytes);

    /// <summary>Ends what waits for peers in a view, unless that is over here already: what is told late of a view must not end the next. From any thread.</summary>
    /// <returns>Whether the view is open here or about to be.</returns>
    public bool End(long view, Exception cause)
    {
        lock (_entering)
        {
            if ((View?.Number ?? _opening) != view)
            {
                return false;
            }

            Interrupt(cause);
            return true;
        }
    }

    /// <summary>Joins a view of new members; a checkpoint to start from is a folder.</summary>
    /// <exception cref="InvalidOperationException">A shard of the map is not here, or the version is another.</exception>
    /// <exception cref="CheckpointException">The checkpoint to start from cannot be read.</exception>
    public void OpenView(CommandHeader header, OpenViewCommand command, int rank, string? checkpoint)
    {
        PlacementMap map = command.Map;
        Close();
        lock (_entering)
        {
            _opening = header.View;
            Changes.Open();
            Snapshots?.Exchange.Open();
        }

        CommunicatorMember[] members =
            [.. map.Workers.Select((worker, index) => new CommunicatorMember(index, worker.Silo, worker.Device, PlaceOf(command.EndPoints, index)))];
        Parameters.StartAt(command.Version, StateOf(header, command, members, rank, checkpoint), map, rank, command.Anew);
        Parameters.Hold(map, rank);
        Gradients.Drop();
        Gradients.Counts.Withdraw();
        View = new WorkerView(header.View, map, rank, members, _communicators.Open(Spec(CommunicatorPurpose.StepProgram, header, members, rank, Device)));
        _program = StepProgram.Open(this, View);
        Enter(View);
        Gates.Apply(command.Gates, Program.Model);
    }

    /// <summary>Begins to copy the shards of a change of placement, beside a step or alone.</summary>
    public void BeginChange(CommandHeader header, Commands.PlacementChange change, bool besideStep)
    {
        // A communicator of its own for every attempt: a failed one is dead, and must not take the step's with it.
        CommunicatorSpec spec = Spec(CommunicatorPurpose.ShardCopy, header, View!.Members, View.Rank, _copyDevice) with { Attempt = header.Number };
        Changes.Begin(change, besideStep, spec.Rank, () => _communicators.Open(spec));
    }

    /// <summary>Copies what this worker writes of a snapshot, and begins to send and to write it.</summary>
    public void BeginSnapshot(CommandHeader header, SnapshotCommand command)
    {
        WorkerView view = View!;
        Snapshots!.Begin(command, Parameters, view.Map, view.Rank, () => OpenForCopies(header, view.Members, view.Rank));
    }

    /// <summary>Goes over to a view whose shards have arrived.</summary>
    /// <exception cref="InvalidOperationException">No such view waits.</exception>
    public void Adopt(long view)
    {
        PlacementMap map = Changes.Adopt(view) ?? throw new InvalidOperationException($"View {view} cannot be adopted: its shards have not arrived.");
        PlacementMap before = View!.Map;
        View = View with { Number = view, Map = map };
        Program.Enter(before, View);
        Enter(View);
    }

    /// <summary>Applies the prepared gradients.</summary>
    public void Commit(long step)
    {
        Parameters.Update(step, Gradients.Dense, Run.Optimizer.ClipFactor(Gradients.Norm), Changes.Arrived);
        Program.Model.EndStep(Gradients.Dense);
        Gradients.Drop();
    }

    /// <summary>Forgets the prepared gradients; nothing else has changed.</summary>
    public void Abort()
    {
        Gradients.Drop();
        Changes.Drop();
    }

    /// <summary>Ends what waits for peers, in the step and beside it. From any thread.</summary>
    public void Interrupt(Exception cause)
    {
        View?.Communicator.Abort(cause);
        Changes.End(cause);
        Snapshots?.Exchange.End(cause);
    }

    public ExpertWiring Wire(WorkerView view, int wires) =>
        new(Device, Run, view, wires, Parameters.Shards, Arena, _parts, Times.Clock);

    public void Dispose()
    {
        Changes.Drop();
        Close();
        Gradients.Dispose();
        Snapshots?.Dispose();
        Parameters.Dispose();
        Arena.Dispose();
        _parts.Dispose();
        if (_copyDevice != Device)
        {
            _copyDevice.Dispose();
        }
    }

    private static EndPoint? PlaceOf(string[]? places, int rank) => places is { } known && known[rank] is { Length: > 0 } place ? DataEndPoint.Parse(place) : null;

    /// <summary>What a view starts from: copies in its members' memory, or a checkpoint; null for the seed.</summary>
    private Func<BlockLoader>? StateOf(CommandHeader header, OpenViewCommand command, CommunicatorMember[] members, int rank, string? checkpoint)
    {
        if (command.Copies is { } sources && Snapshots is { } snapshots)
        {
            return () =>
            {
                snapshots.Exchange.Gather(() => OpenForCopies(header, members, rank), sources, command.Map, rank);
                return (block, expert) => snapshots.Copies.Get(sources.Tag, new BlockId(expert)).Give(Device, block);
            };
        }

        return checkpoint is null ? null : () => Parameters.Open(checkpoint, command.Version, moments: !command.InferenceOnly);
    }

    /// <summary>Copies of snapshots are in the host's memory, whatever computes.</summary>
    private ICommunicator OpenForCopies(CommandHeader header, CommunicatorMember[] members, int rank) =>
        _communicators.Open(Spec(CommunicatorPurpose.SnapshotCopy, header, members, rank, device: null) with { Attempt = header.Number });

    private static CommunicatorSpec Spec(CommunicatorPurpose purpose, CommandHeader header, CommunicatorMember[] members, int rank, IDevice? device) =>
        new(members, rank)
        {
            Purpose = purpose,
            Model = header.Model,
            Term = header.Term,
            View = header.View,
            Device = device,
        };

    private void Close()
    {
        View?.Communicator.Dispose();
        _program?.Dispose();
        _program = null;
        View = null;
    }

    private void Enter(WorkerView view)
    {
        Gradients.Enter(view);

        // Every shard has been found where this view has it: copies elsewhere are of no more use.
        Changes.Release(expert => view.Map.PlacementOf(expert.Layer).Holds(expert.Expert, view.Rank));
        Reservation?.Enter(view.Map, view.Rank);
    }
}
