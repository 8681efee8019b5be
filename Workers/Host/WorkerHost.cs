using Microsoft.Extensions.Logging;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Native.Cpu;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Host;

/// <summary>The devices of a silo.</summary>
public sealed class WorkerHostOptions
{
    /// <summary>Opens the silo's devices, one worker each; one CPU device with one thread unless set.</summary>
    public Func<IReadOnlyList<IDevice>> Devices { get; set; } = () => [new CpuDevice()];

    /// <summary>Bytes that each device may allocate; null for its share of this process's memory. What does not fit is refused before it is allocated.</summary>
    public long? MemoryPerDevice { get; set; }
}

/// <summary>
/// Owns everything on the devices of one silo. Commands come from the coordinator of a model; grains on this silo read from here. It outlives every
/// grain, and no grain's turn computes here: what takes time runs on the executors.
/// </summary>
public sealed class WorkerHost : IDisposable
{
    /// <summary>How long an inventory waits for what runs: far below any response timeout.</summary>
    private static readonly TimeSpan InventorySlice = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CommandInbox> _inboxes = [];
    private readonly Worker[] _workers;
    private readonly HostTelemetry _telemetry;
    private readonly ICommunicatorProvider _communicators;
    private readonly DeviceLosses _losses;
    private readonly ILogger _log;

    /// <summary>Opens the devices.</summary>
    /// <param name="silo">Address of the silo, generation included.</param>
    /// <param name="options">The devices.</param>
    /// <param name="communicators">Opens the data plane.</param>
    /// <param name="files">Where checkpoints are written.</param>
    /// <param name="kinds">What the names in configurations stand for.</param>
    /// <param name="callers">Memory that callers of layers lend.</param>
    /// <param name="places">Where checkpoints are on this machine.</param>
    /// <param name="logger">Where it tells of views and commands.</param>
    public WorkerHost(
        string silo, WorkerHostOptions options, ICommunicatorProvider communicators, IFileStore files, ModelKinds kinds, CallerBuffers callers,
        CheckpointPlaces places, ILogger<WorkerHost> logger)
    {
        Silo = silo;
        _log = logger;
        _communicators = communicators;
        _telemetry = new HostTelemetry(silo);
        _losses = new DeviceLosses(logger);
        IReadOnlyList<IDevice> devices = options.Devices();
        Kind = devices.Select(device => device.Kind).Distinct().Order(StringComparer.Ordinal).Aggregate((all, kind) => $"{all} and {kind}");
        var services = new WorkerServices(communicators, files, kinds, callers, places, _telemetry, _losses, logger);
        _workers = [.. devices.Select((device, index) => new Worker(
            new WorkerId(Silo, index), device, options.MemoryPerDevice ?? MemoryBudget.Of(device, SharersOf(device)),
            device.IsHostMemory ? null : MemoryBudget.Default(devices.Count), services))];
        _telemetry.Watch(_workers);

        // Workers of one GPU share its memory, and all workers of processors that of the process.
        int SharersOf(IDevice device) => devices.Count(other => device.FreeBytes is null ? other.FreeBytes is null : other.Description == device.Description);
    }

    /// <summary>What kind of devices the silo has; all silos of a view have the same.</summary>
    public string Kind { get; }

    /// <summary>Address of the silo, generation included.</summary>
    public string Silo { get; }

    /// <summary>
    /// Ends when one of the devices can compute no more until this process ends. The silo should end then: its peers go on without it, as after any
    /// death.
    /// </summary>
    public Task<DeviceException> DeviceLost => _losses.First;

    /// <summary>Bytes that the silo's devices have allocated and not freed.</summary>
    public long AllocatedBytes => _workers.Sum(worker => worker.AllocatedBytes);

    /// <summary>What this host holds of a model, once what runs has ended; "busy" when that takes longer than a call may. Raises the model's term.</summary>
    /// <exception cref="CommandRefusedException">The term is older than one seen.</exception>
    public async Task<HostInventory> GetInventoryAsync(string model, long term)
    {
        CommandInbox inbox = Enter(model, term);

        // What is running may be about to prepare or commit: the answer must not be older than that.
        Task drained = Task.WhenAll(_workers.Select(worker => worker.DrainAsync(model)));
        await Task.WhenAny(drained, Task.Delay(InventorySlice));
        if (!drained.IsCompleted)
        {
            return new HostInventory { Devices = _workers.Length, Kind = Kind, Term = inbox.Term, Busy = true };
        }

        await drained;
        WorkerModel?[] models = [.. _workers.Select(worker => worker.ModelOf(model))];
        WorkerModel? any = models.FirstOrDefault(found => found is not null);
        return new HostInventory
        {
            Devices = _workers.Length,
            Kind = Kind,
            Term = inbox.Term,
            View = any?.View?.Number ?? 0,
            Version = models.All(found => found is null || found.Parameters.Version == any!.Parameters.Version) ? any?.Parameters.Version ?? -1 : -1,
            Prepared = any?.Gradients.Prepared ?? 0,
            Pending = any?.Changes.View ?? 0,
            Shards = [.. models.Select(found => found is null ? Array.Empty<ExpertId>() : [.. found.Parameters.Shards.Experts])],
            Copies = [.. models.Select(found => found?.Snapshots?.Copies.Held ?? [])],
            Memory = MemoryOf(model),
            EndPoint = _communicators.EndPoint is { } place ? DataEndPoint.Format(place) : null,
        };
    }

    /// <summary>The highest term seen for a model; 0 for none.</summary>
    public long TermOf(string model)
    {
        lock (_lock)
        {
            return _inboxes.GetValueOrDefault(model)?.Term ?? 0;
        }
    }

    /// <summary>Queues a command on every worker, once, and returns at once.</summary>
    /// <exception cref="CommandRefusedException">Its term, view or step is old.</exception>
    public void Submit(CommandHeader header, Command command)
    {
        try
        {
            Inbox(header.Model).Submit(header, command, () => [.. _workers.Select(worker => (worker.Id, worker.RunAsync(header, command)))]);
        }
        catch (CommandRefusedException e)
        {
            WorkerHostLog.CommandRefused(_log, HostTelemetry.NameOf(command), header.Number, header.Model, header.Term, header.View, e.Message);
            _telemetry.Refused(header.Model);
            throw;
        }
    }

    /// <summary>Waits up to <paramref name="slice"/> for a command to end.</summary>
    /// <returns>How it ended, or null when it has not.</returns>
    /// <exception cref="CommandRefusedException">There is no such command in this term.</exception>
    public Task<HostReport?> PollAsync(string model, long term, long number, TimeSpan slice) => Inbox(model).PollAsync(term, number, slice);

    /// <summary>Ends collective operations in progress in a view that has failed.</summary>
    /// <exception cref="CommandRefusedException">The term is older than one seen.</exception>
    public void EndView(string model, long term, long view, string reason)
    {
        Enter(model, term);
        foreach (Worker worker in _workers)
        {
            if (worker.ModelOf(model)?.End(view, new OperationCanceledException(reason)) is true)
            {
                WorkerHostLog.ViewEnded(_log, worker.Id, view, model, term, reason);
            }
        }
    }

    /// <summary>A run is stopped: frees what this host holds of the model.</summary>
    /// <exception cref="CommandRefusedException">The term is older than one seen.</exception>
    public Task ReleaseAsync(string model, long term)
    {
        Enter(model, term);
        return Task.WhenAll(_workers.Select(worker => worker.ForgetAsync(model, new OperationCanceledException($"Model '{model}' is stopped or deleted."))));
    }

    /// <summary>A model is deleted: frees what this host holds of it, and forgets its terms, so that the name can be used anew.</summary>
    /// <exception cref="CommandRefusedException">The term is older than one seen.</exception>
    public async Task ForgetAsync(string model, long term)
    {
        await ReleaseAsync(model, term);
        lock (_lock)
        {
            _inboxes.Remove(model);
        }

        WorkerHostLog.ModelForgotten(_log, Silo, model, term);
    }

    /// <summary>Ends collective operations in progress, so that peers fail at once instead of at their deadline.</summary>
    public void Interrupt(Exception cause) => Array.ForEach(_workers, worker => worker.Interrupt(cause));

    /// <summary>Ends when everything queued before has been done, for all models.</summary>
    internal Task DrainAsync() => Task.WhenAll(_workers.Select(worker => worker.DrainAsync()));

    /// <summary>The committed steps of a model on this silo; null if it holds none of it.</summary>
    public long? VersionOf(string model) => _workers.Select(worker => worker.ModelOf(model)?.Parameters.Version).FirstOrDefault(version => version is not null);

    /// <summary>A shard in the table of one of this silo's devices; null when it is not there.</summary>
    public ShardState? FindShard(string model, WorkerId place, ExpertId expert)
    {
        WorkerModel? found = _workers.FirstOrDefault(worker => worker.Id == place)?.ModelOf(model);
        return found is not null && found.Parameters.Shards.Contains(expert)
            ? new ShardState(found.Parameters.Version, found.Parameters.Shards[expert].Parameters.Sum(parameter => (long)parameter.Shape.Count))
            : null;
    }

    /// <summary>The gate of a layer on the worker that has a rank in the open view; null when none of this silo's has it.</summary>
    public GateState? FindGate(string model, int layer, int rank)
    {
        WorkerModel? found = ModelAt(model, rank);
        return found is null ? null : new GateState(found.Gates.Of(layer), found.Gradients.Counts.Published);
    }

    /// <summary>What the worker of this silo that has a rank in the open view holds of a model; null when none has it.</summary>
    internal WorkerModel? ModelAt(string model, int rank) =>
        _workers.Select(worker => worker.ModelOf(model)).FirstOrDefault(one => one?.View?.Rank == rank);

    /// <summary>Bytes of a model's arenas on this silo: they grow with the largest round and never shrink.</summary>
    public long ArenaBytesOf(string model) => _workers.Sum(worker => worker.ModelOf(model)?.ArenaBytes ?? 0);

    /// <summary>The experts of a model on this silo's devices.</summary>
    public IEnumerable<ExpertId> ShardsOf(string model) => _workers.SelectMany(worker => worker.ModelOf(model)?.Parameters.Shards.Experts ?? []);

    /// <summary>The memory of this host's workers, and what a model has of it, by device.</summary>
    public WorkerMemory[] MemoryOf(string model) => [.. _workers.Select(worker => worker.MemoryOf(model))];

    /// <inheritdoc />
    public void Dispose()
    {
        Interrupt(new OperationCanceledException($"Silo {Silo} is stopping."));
        _telemetry.Dispose();
        Array.ForEach(_workers, worker => worker.Dispose());
    }

    private CommandInbox Enter(string model, long term)
    {
        CommandInbox inbox = Inbox(model);
        if (inbox.Enter(term))
        {
            WorkerHostLog.TermEntered(_log, Silo, term, model);
        }

        return inbox;
    }

    private CommandInbox Inbox(string model)
    {
        lock (_lock)
        {
            if (!_inboxes.TryGetValue(model, out CommandInbox? inbox))
            {
                inbox = new CommandInbox(model, Silo, () => MemoryOf(model));
                _inboxes.Add(model, inbox);
            }

            return inbox;
        }
    }
}

/// <summary>A shard in a worker's table.</summary>
/// <param name="Version">Committed steps.</param>
/// <param name="Parameters">Number of its parameters.</param>
public readonly record struct ShardState(long Version, long Parameters);

/// <summary>A gate on a worker.</summary>
/// <param name="Policy">The policy by which it routes.</param>
/// <param name="Statistics">What it led to in the last step that was prepared in the open view; null before the first.</param>
public sealed record GateState(GatePolicy Policy, RoutingStatistics? Statistics);
