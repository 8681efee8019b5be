using Microsoft.Extensions.Options;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Grains.Placement;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Workers;

/// <summary>
/// Owns everything on the devices of one silo. Orders come from the training grain through <see cref="WorkerHostService"/>; grains on this
/// silo read from here. It outlives every grain.
/// </summary>
public sealed class WorkerHost : IDisposable
{
    /// <summary>How long a collective operation waits for its peers.</summary>
    internal static readonly TimeSpan PeerDeadline = TimeSpan.FromSeconds(30);

    /// <summary>How long a roll-call waits for what runs: far below any response timeout.</summary>
    private static readonly TimeSpan RollSlice = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, OrderBook> _books = [];
    private readonly PlacementBoard _board;
    private readonly Worker[] _workers;
    private readonly MemoryMeter _meter;

    /// <summary>Opens the devices and starts their executors.</summary>
    public WorkerHost(
        IOptions<WorkerHostOptions> options, ILocalSiloDetails silo, ICommunicatorProvider communicators, PlacementBoard board, IFileStore files,
        ModelKinds kinds, CallerBuffers memory)
    {
        _board = board;
        Silo = silo.SiloAddress.ToParsableString();
        IReadOnlyList<IDevice> devices = options.Value.Devices();
        long budget = options.Value.MemoryPerDevice ?? MemoryBudget.Default(devices.Count);
        _workers = [.. devices.Select((device, index) => new Worker(new WorkerId(Silo, index), device, budget, communicators, files, kinds, memory))];
        _meter = new MemoryMeter(this, _workers);
    }

    /// <summary>Address of the silo, generation included.</summary>
    public string Silo { get; }

    /// <summary>Bytes that the silo's devices have allocated and not freed.</summary>
    public long AllocatedBytes => _workers.Sum(worker => worker.Device.AllocatedBytes);

    /// <summary>Bytes of those that are arenas of a model: they grow with the largest round and never shrink.</summary>
    public long ArenaBytesOf(string model) => _workers.Sum(worker => worker.ModelOf(model)?.ArenaBytes ?? 0);

    /// <summary>The experts of a model on this silo's devices, as <c>layer/expert</c>.</summary>
    internal IEnumerable<string> ShardsOf(string model) =>
        _workers.SelectMany(worker => worker.ModelOf(model)?.Parameters.Shards.Experts ?? []).Select(expert => expert.ToString());

    /// <summary>What this host holds of a model; raises its term.</summary>
    /// <exception cref="StaleCommandException">The term is older than one seen.</exception>
    internal async Task<HostRoll> CallRollAsync(string model, long term)
    {
        OrderBook book = Book(model);
        book.Enter(term);

        // What is running may be about to prepare or commit: the answer must not be older than that.
        Task drained = Task.WhenAll(_workers.Select(worker => worker.DrainAsync()));
        await Task.WhenAny(drained, Task.Delay(RollSlice));
        if (!drained.IsCompleted)
        {
            return new HostRoll { Devices = _workers.Length, Term = book.Term, Busy = true };
        }

        await drained;
        WorkerModel?[] models = [.. _workers.Select(worker => worker.ModelOf(model))];
        WorkerModel? any = models.FirstOrDefault(found => found is not null);
        return new HostRoll
        {
            Devices = _workers.Length,
            Term = book.Term,
            Epoch = any?.View?.Epoch ?? 0,
            Version = any?.Parameters.Version ?? -1,
            Prepared = any?.Gradients.Prepared ?? 0,
            Pending = any?.Switchover.Epoch ?? 0,
            Shards = [.. models.Select(found => found is null ? Array.Empty<string>() : [.. found.Parameters.Shards.Experts.Select(expert => expert.ToString())])],
            Memory = MemoryOf(model),
        };
    }

    /// <summary>The memory of this host's workers, and what a model has of it, by device.</summary>
    internal WorkerMemory[] MemoryOf(string model) => [.. _workers.Select(worker => worker.MemoryOf(model))];

    /// <summary>Takes over a newer map.</summary>
    internal void InstallMap(string model, PlacementMapMessage map) => _board.Install(model, map.ToMap());

    /// <summary>Whether the placement map has a grain on this silo.</summary>
    /// <param name="key">Key of an expert or gate grain.</param>
    internal bool Belongs(string key) => PlaceOf(key)?.Silo == Silo;

    /// <summary>Whether the placement map has a grain anywhere.</summary>
    /// <param name="key">Key of an expert or gate grain.</param>
    internal bool HasPlace(string key) => PlaceOf(key) is not null;

    /// <summary>Queues an order on every worker, once.</summary>
    /// <exception cref="StaleCommandException">Its term or epoch is old.</exception>
    internal void Submit(OrderHead head, WorkOrder order) =>
        Book(head.Model).Submit(head, order, () => [.. _workers.Select(worker => (worker.Id, worker.RunAsync(head, order)))]);

    /// <summary>Waits for an order.</summary>
    /// <exception cref="StaleCommandException">There is no such order in this term.</exception>
    internal Task<WorkReport?> PollAsync(string model, long term, long number, TimeSpan slice) => Book(model).PollAsync(term, number, slice);

    /// <summary>The committed steps of a model on this silo; null if it holds none of it.</summary>
    internal long? VersionOf(string model) => _workers.Select(worker => worker.ModelOf(model)?.Parameters.Version).FirstOrDefault(version => version is not null);

    /// <summary>The worker that the map has a shard on, and what it holds of the model.</summary>
    /// <exception cref="PlacementRefusedException">That is no device of this silo, or it does not hold the shard.</exception>
    internal (Worker Worker, WorkerModel Model) Find(string model, ShardId shard)
    {
        WorkerId place = _board.WorkerOf(GrainKeys.Expert(model, shard));
        foreach (Worker worker in _workers)
        {
            if (worker.Id == place && worker.ModelOf(model) is { } found && found.Parameters.Shards.Contains(shard.ExpertId))
            {
                return (worker, found);
            }
        }

        throw new PlacementRefusedException(
            $"Shard {shard} of model '{model}' is not on silo {Silo}: the placement map and the shard tables disagree; open a new epoch.");
    }

    /// <summary>The worker that has a rank in the open epoch of a model.</summary>
    /// <exception cref="PlacementRefusedException">No device of this silo has it.</exception>
    internal (Worker Worker, WorkerModel Model) Find(string model, int rank)
    {
        foreach (Worker worker in _workers)
        {
            if (worker.ModelOf(model) is { View: { } view } found && view.Rank == rank)
            {
                return (worker, found);
            }
        }

        throw new PlacementRefusedException($"Rank {rank} of model '{model}' is not on silo {Silo}; open a new epoch.");
    }

    /// <summary>Ends collective operations in progress in an epoch that has failed.</summary>
    /// <exception cref="StaleCommandException">The term is older than one seen.</exception>
    internal void EndEpoch(string model, long term, long epoch, string reason)
    {
        Book(model).Enter(term);
        foreach (Worker worker in _workers)
        {
            if (worker.ModelOf(model) is { View: { } view } found && view.Epoch == epoch)
            {
                found.Interrupt(new OperationCanceledException(reason));
            }
        }
    }

    /// <summary>Ends collective operations in progress, so that peers fail at once instead of at their deadline.</summary>
    internal void Interrupt(Exception cause) => Array.ForEach(_workers, worker => worker.Interrupt(cause));

    /// <inheritdoc />
    public void Dispose()
    {
        Interrupt(new OperationCanceledException($"Silo {Silo} is stopping."));
        _meter.Dispose();
        Array.ForEach(_workers, worker => worker.Dispose());
    }

    private WorkerId? PlaceOf(string key)
    {
        try
        {
            return _board.WorkerOf(key);
        }
        catch (PlacementRefusedException)
        {
            return null;
        }
    }

    private OrderBook Book(string model)
    {
        lock (_books)
        {
            if (!_books.TryGetValue(model, out OrderBook? book))
            {
                book = new OrderBook(model, Silo, () => MemoryOf(model));
                _books.Add(model, book);
            }

            return book;
        }
    }
}
