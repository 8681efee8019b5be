using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Training;

/// <summary>
/// The worker hosts of an epoch, and orders to all of them. Orders of one coordinator are numbered; a host runs them in that order. Progress
/// is learnt by short polls.
/// </summary>
internal sealed class Members(IWorkerHostClient hosts, string model, long term)
{
    /// <summary>How long a poll may wait at a host: far below any response timeout.</summary>
    private static readonly TimeSpan PollSlice = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, WorkerMemory[]> _memory = [];
    private long _number;

    /// <summary>The open epoch; 0 for none.</summary>
    public long Epoch { get; private set; }

    /// <summary>Members in rank order and who holds what; null for none.</summary>
    public PlacementMap? Map { get; private set; }

    /// <summary>Silos of the epoch.</summary>
    public IReadOnlyList<string> Silos { get; private set; } = [];

    /// <summary>The memory of a worker when its host was last heard of.</summary>
    public WorkerMemory MemoryOf(WorkerId worker) =>
        _memory.TryGetValue(worker.Silo, out WorkerMemory[]? devices) && worker.Device < devices.Length ? devices[worker.Device] : new WorkerMemory();

    /// <summary>Address orders to the members of an epoch from now on.</summary>
    public void Enter(long epoch, PlacementMap map)
    {
        Epoch = epoch;
        Map = map;
        Silos = [.. map.Workers.Select(worker => worker.Silo).Distinct()];
    }

    /// <summary>The epoch has failed: those who wait for a member that does not come are told.</summary>
    public async Task EndAsync(string reason)
    {
        await Task.WhenAll(Silos.Select(async silo =>
        {
            try
            {
                await hosts.On(SiloAddress.FromParsableString(silo)).EndEpochAsync(model, term, Epoch, reason);
            }
            catch (Exception e) when (e is OrleansMessageRejectionException or TimeoutException or StaleCommandException)
            {
                // Its own deadlines end what runs there, or another coordinator is in charge.
            }
        }));
        Leave();
    }

    /// <summary>The epoch is over.</summary>
    public void Leave()
    {
        Map = null;
        Silos = [];
    }

    /// <summary>The micro-batches of a silo's workers: rank m mod W runs micro-batch m.</summary>
    public MicroBatchMessage[] OfSilo(MicroBatchMessage[] batches, string silo) =>
        [.. batches.Where(batch => Map!.Workers[batch.Index % Map.Workers.Length].Silo == silo)];

    /// <summary>Calls the roll on a silo.</summary>
    /// <exception cref="EpochFailedException">The silo is gone.</exception>
    public Task<HostRoll> CallRollAsync(string silo) => OnAsync(silo, async host =>
    {
        while (true)
        {
            if (await host.CallRollAsync(model, term) is { Busy: false } roll)
            {
                _memory[silo] = roll.Memory;
                return roll;
            }
        }
    });

    /// <summary>Pushes a map to a silo.</summary>
    /// <exception cref="EpochFailedException">The silo is gone.</exception>
    public Task InstallMapAsync(string silo, PlacementMapMessage map) =>
        OnAsync(silo, async host =>
        {
            await host.InstallMapAsync(model, map);
            return true;
        });

    /// <summary>Gives an order to all members and waits until each has carried it out.</summary>
    /// <returns>The workers' reports in rank order.</returns>
    /// <exception cref="EpochFailedException">A worker failed or a silo is gone; the message names it.</exception>
    public Task<IReadOnlyList<WorkerReport>> RunAsync(WorkOrder order) => RunAsync(_ => order);

    /// <summary>Gives every member an order of its own and waits until each has carried it out.</summary>
    /// <param name="order">The order for a silo.</param>
    /// <returns>The workers' reports in rank order.</returns>
    /// <exception cref="EpochFailedException">A worker failed or a silo is gone; the message names it.</exception>
    public async Task<IReadOnlyList<WorkerReport>> RunAsync(Func<string, WorkOrder> order)
    {
        long number = await SendAsync(order, Epoch);
        WorkReport[] reports = await Task.WhenAll(Silos.Select(silo => OnAsync(silo, host => PollAsync(host, number))));
        foreach ((string silo, WorkReport report) in Silos.Zip(reports))
        {
            _memory[silo] = report.Memory;
        }

        WorkReport? failed = reports.FirstOrDefault(report => report is { Failure: not null, IsConsequence: false })
            ?? reports.FirstOrDefault(report => report.Failure is not null);
        if (failed is not null)
        {
            throw new EpochFailedException(
                $"Epoch {Epoch} of model '{model}' ended: {failed.Failure!.TrimEnd('.')}. Nothing of the step in progress was applied.");
        }

        WorkerReport[] workers = [.. reports.SelectMany(report => report.Workers).OrderBy(report => report.Rank)];
        return workers.Length == Map!.Workers.Length
            ? workers
            : throw new EpochFailedException(
                $"Epoch {Epoch} of model '{model}' ended: only ranks {string.Join(", ", workers.Select(worker => worker.Rank))} of {Map.Workers.Length} "
                + "workers are in it.");
    }

    /// <summary>Gives an order to all members; they carry it out before any later one.</summary>
    /// <param name="order">The order.</param>
    /// <param name="epoch">The epoch that it belongs to, where that is not the open one.</param>
    /// <returns>The order's number.</returns>
    /// <exception cref="EpochFailedException">A silo is gone.</exception>
    public Task<long> SendAsync(WorkOrder order, long? epoch = null) => SendAsync(_ => order, epoch ?? Epoch);

    /// <summary>Waits until all members have carried out an order, well or not.</summary>
    /// <exception cref="EpochFailedException">A silo is gone.</exception>
    public Task WaitAsync(long number) => Task.WhenAll(Silos.Select(silo => OnAsync(silo, host => PollAsync(host, number))));

    private async Task<long> SendAsync(Func<string, WorkOrder> order, long epoch)
    {
        var head = new OrderHead(model, term, epoch, ++_number);
        await Task.WhenAll(Silos.Select(silo => OnAsync(silo, async host =>
        {
            await host.SubmitAsync(head, order(silo));
            return true;
        })));
        return head.Number;
    }

    private async Task<WorkReport> PollAsync(IWorkerHostService host, long number)
    {
        while (true)
        {
            if (await host.PollAsync(model, term, number, PollSlice) is { } report)
            {
                return report;
            }
        }
    }

    private async Task<T> OnAsync<T>(string silo, Func<IWorkerHostService, Task<T>> call)
    {
        try
        {
            return await call(hosts.On(SiloAddress.FromParsableString(silo)));
        }
        catch (Exception e) when (e is OrleansMessageRejectionException or TimeoutException)
        {
            throw new EpochFailedException(
                $"Silo {silo} does not answer for model '{model}' ({e.GetType().Name}). Its shards are lost with it unless it returns.");
        }
    }
}
