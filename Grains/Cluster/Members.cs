using System.Diagnostics;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Cluster;

/// <summary>
/// The worker hosts of a view, and commands to all of them. Commands of one coordinator are numbered; a host runs them in that order. Progress
/// is learnt by short polls.
/// </summary>
internal sealed class Members(IWorkerHostClient hosts, string model, long term, RunEvents events)
{
    /// <summary>How long a poll may wait at a host: far below any response timeout.</summary>
    private static readonly TimeSpan PollSlice = TimeSpan.FromSeconds(5);

    /// <summary>How long the others may take to report when one member has failed: those who are told do so at once, those who cannot be told wait for their own deadlines.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, WorkerMemory[]> _memory = [];
    private readonly Dictionary<string, string> _kinds = [];
    private long _number;
    private readonly List<NumberedCommand> _posted = [];

    /// <summary>The open view; 0 for none.</summary>
    public long View { get; private set; }

    /// <summary>Members in rank order and who holds what; null for none.</summary>
    public PlacementMap? Map { get; private set; }

    /// <summary>What the workers compute on, as their hosts say; those of a view are of one kind. Empty before any was asked.</summary>
    public string Device => Silos.Select(KindOf).FirstOrDefault("");

    /// <summary>What a silo computes on, as it said when it was asked last; empty before that.</summary>
    public string KindOf(string silo) => _kinds.GetValueOrDefault(silo, "");

    /// <summary>Silos of the view.</summary>
    public IReadOnlyList<string> Silos { get; private set; } = [];

    /// <summary>Raised whenever the members are left: commands that were posted before may never have arrived.</summary>
    public int Leavings { get; private set; }

    /// <summary>Which silos could not reach which over the data plane, as members said of the last command that failed.</summary>
    public IReadOnlyList<(string By, string Of)> Unreached { get; private set; } = [];

    /// <summary>The memory of a worker as of its host's last report.</summary>
    public WorkerMemory MemoryOf(WorkerId worker) =>
        _memory.TryGetValue(worker.Silo, out WorkerMemory[]? devices) && worker.Device < devices.Length ? devices[worker.Device] : new WorkerMemory();

    /// <summary>Address commands to the members of a view from now on.</summary>
    public void Enter(long view, PlacementMap map)
    {
        View = view;
        Map = map;
        Silos = [.. map.Workers.Select(worker => worker.Silo).Distinct()];
    }

    /// <summary>The view has failed: those who wait for a member that does not come are told, and those who have not answered for a while are not waited for.</summary>
    public async Task EndAsync(string reason)
    {
        long view = View;
        Task told = Task.WhenAll(Silos.Select(async silo =>
        {
            try
            {
                await hosts.On(SiloAddress.FromParsableString(silo)).EndViewAsync(model, term, view, reason);
            }
            catch (Exception e) when (e is StaleCommandException || CallFailure.IsUnanswered(e))
            {
                // Its own deadlines end what runs there, or another coordinator is in charge.
            }
        }));
        await Task.WhenAny(told, Task.Delay(Grace));
        Leave();
    }

    /// <summary>The run is stopped: silos free what they hold of the model. The view is over.</summary>
    /// <exception cref="ViewFailedException">A silo does not answer.</exception>
    public Task ReleaseAsync(IEnumerable<string> silos) => LeaveAsync(silos, host => host.ReleaseAsync(model, term));

    /// <summary>The model is deleted: silos free what they hold of it, and know it no more. The view is over.</summary>
    /// <exception cref="ViewFailedException">A silo does not answer.</exception>
    public Task ForgetAsync(IEnumerable<string> silos) => LeaveAsync(silos, host => host.ForgetAsync(model, term));

    /// <summary>The view is over.</summary>
    public void Leave()
    {
        Map = null;
        Silos = [];
        Leavings++;
        _posted.Clear();
    }

    /// <summary>The micro-batches of a silo's workers: rank m mod W runs micro-batch m.</summary>
    public PlacedMicroBatch[] OfSilo(MicroBatch[] batches, string silo) =>
    [
        .. batches.Select((batch, index) => new PlacedMicroBatch(index, batch))
            .Where(placed => Map!.Workers[placed.Index % Map.Workers.Length].Silo == silo),
    ];

    /// <summary>Takes the inventory of several silos.</summary>
    /// <exception cref="ViewFailedException">One of them is gone.</exception>
    public Task<HostInventory[]> GetInventoriesAsync(IEnumerable<string> silos) => AllAsync([.. silos.Select(GetInventoryAsync)]);

    /// <summary>Takes the inventory of a silo.</summary>
    /// <exception cref="ViewFailedException">The silo is gone.</exception>
    public Task<HostInventory> GetInventoryAsync(string silo) => OnAsync(silo, async host =>
    {
        while (true)
        {
            if (await host.GetInventoryAsync(model, term) is { Busy: false } inventory)
            {
                _memory[silo] = inventory.Memory;
                _kinds[silo] = inventory.Kind;
                return inventory;
            }
        }
    });

    /// <summary>Pushes a map to a silo.</summary>
    /// <exception cref="ViewFailedException">The silo is gone.</exception>
    public Task InstallMapAsync(string silo, PlacementMap map) =>
        OnAsync(silo, async host =>
        {
            await host.InstallMapAsync(model, map);
            return true;
        });

    /// <summary>Gives a command to all members and waits until each has carried it out.</summary>
    /// <returns>The workers' reports in rank order.</returns>
    /// <exception cref="ViewFailedException">A worker failed or a silo is gone; the message names it.</exception>
    public Task<IReadOnlyList<TReport>> RunAsync<TReport>(Command<TReport> command)
        where TReport : WorkerReport => RunAsync(_ => command);

    /// <summary>Gives every member a command of its own and waits until each has carried it out.</summary>
    /// <param name="command">The command for a silo.</param>
    /// <returns>The workers' reports in rank order.</returns>
    /// <exception cref="ViewFailedException">A worker failed or a silo is gone; the message names it.</exception>
    public async Task<IReadOnlyList<TReport>> RunAsync<TReport>(Func<string, Command<TReport>> command)
        where TReport : WorkerReport
    {
        CommandHeader header = Head(View);
        NumberedCommand[] posted = TakePosted();
        Task<HostReport>[] calls =
            [.. Silos.Select(silo => OnAsync(silo, host => ExecuteAsync(host, [.. posted, new NumberedCommand(header, command(silo))])))];

        (string Silo, HostReport Report)[] answers = await ReportsAsync(calls);
        HostReport[] reports = [.. answers.Select(answer => answer.Report)];
        foreach ((string silo, HostReport report) in answers)
        {
            _memory[silo] = report.Memory;
        }

        Unreached =
        [
            .. from answer in answers
               from rank in answer.Report.Missing ?? []
               where rank < Map!.Workers.Length
               select (answer.Silo, Map!.Workers[rank].Silo),
        ];

        HostReport? failed = reports.FirstOrDefault(report => report is { Failure: not null, IsConsequence: false })
            ?? reports.FirstOrDefault(report => report.Failure is not null);
        if (failed is not null)
        {
            throw new ViewFailedException(
                $"View {View} of model '{model}' ended: {failed.Failure!.TrimEnd('.')}. Nothing of the step in progress was applied.",
                failed.Cause is { } cause ? new MoEException(cause) : null)
            {
                IsUnreachable = failed.IsConsequence,
            };
        }

        TReport[] workers = [.. reports.SelectMany(report => report.Workers).Cast<TReport>().OrderBy(report => report.Rank)];
        return workers.Length == Map!.Workers.Length
            ? workers
            : throw new ViewFailedException(
                $"View {View} of model '{model}' ended: only ranks {string.Join(", ", workers.Select(worker => worker.Rank))} of {Map.Workers.Length} "
                + "workers are in it.")
            {
                IsUnreachable = true,
            };
    }

    /// <summary>Gives a command to all members; they carry it out before any later one.</summary>
    /// <param name="command">The command.</param>
    /// <param name="view">The view that it belongs to, where that is not the open one.</param>
    /// <returns>The command's number.</returns>
    /// <exception cref="ViewFailedException">A silo is gone.</exception>
    public async Task<long> SendAsync(Command command, long? view = null)
    {
        CommandHeader header = Head(view ?? View);
        await SubmitAsync([.. TakePosted(), new NumberedCommand(header, command)]);
        return header.Number;
    }

    /// <summary>Waits until all members have carried out a command, well or not.</summary>
    /// <exception cref="ViewFailedException">A silo is gone.</exception>
    public Task WaitAsync(long number) => AllAsync([.. Silos.Select(silo => OnAsync(silo, host => PollAsync(host, number)))]);

    /// <summary>
    /// Leaves a command to travel in front of the next one, in the same call; nothing waits for it. <see cref="FlushAsync"/> sends it when nothing
    /// follows. It is forgotten when the members are left.
    /// </summary>
    public void Post(Command command) => _posted.Add(new NumberedCommand(Head(View), command));

    /// <summary>Sends what has been posted.</summary>
    /// <exception cref="ViewFailedException">A silo is gone.</exception>
    public Task FlushAsync() => _posted.Count == 0 ? Task.CompletedTask : SubmitAsync(TakePosted());

    private Task<HostReport?[]> SubmitAsync(NumberedCommand[] commands) =>
        AllAsync([.. Silos.Select(silo => OnAsync(silo, host => host.SubmitAsync(commands, TimeSpan.Zero)))]);

    /// <summary>
    /// Waits for all members. The first one that is gone ends it: the others may be waiting for that one, until their deadline or until whoever ends the view
    /// tells them.
    /// </summary>
    private static async Task<T[]> AllAsync<T>(Task<T>[] calls)
    {
        await foreach (Task<T> call in Task.WhenEach(calls))
        {
            await call;
        }

        return await Task.WhenAll(calls);
    }

    /// <summary>Waits for the members' reports: for all, unless one has failed.</summary>
    private async Task<(string Silo, HostReport Report)[]> ReportsAsync(Task<HostReport>[] calls)
    {
        using var enough = new CancellationTokenSource();
        bool hasFailed = false;
        try
        {
            await foreach (Task<HostReport> call in Task.WhenEach(calls).WithCancellation(enough.Token))
            {
                if ((await call).Failure is not null && !hasFailed)
                {
                    hasFailed = true;
                    enough.CancelAfter(Grace);
                }
            }
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested)
        {
            // Nobody waits for them any more.
        }

        return [.. Silos.Zip(calls).Where(call => call.Second.IsCompletedSuccessfully).Select(call => (call.First, call.Second.Result))];
    }

    private async Task LeaveAsync(IEnumerable<string> silos, Func<IWorkerHostService, Task> release)
    {
        Leave();
        await Task.WhenAll(silos.Select(silo => OnAsync(silo, async host =>
        {
            await release(host);
            return true;
        })));
    }

    private NumberedCommand[] TakePosted()
    {
        NumberedCommand[] posted = [.. _posted];
        _posted.Clear();
        return posted;
    }

    private CommandHeader Head(long view) => new(model, term, view, ++_number, Activity.Current?.Id);

    private async Task<HostReport> ExecuteAsync(IWorkerHostService host, NumberedCommand[] commands) =>
        await host.SubmitAsync(commands, PollSlice) ?? await PollAsync(host, commands[^1].Header.Number);

    private async Task<HostReport> PollAsync(IWorkerHostService host, long number)
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
        catch (Exception e) when (CallFailure.IsUnanswered(e))
        {
            events.MemberUnreachable(silo, e);
            throw new ViewFailedException(
                $"Silo {silo} does not answer for model '{model}' ({e.GetType().Name}).")
            {
                IsUnreachable = true,
            };
        }
    }
}
