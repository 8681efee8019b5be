using System.Globalization;
using System.Net;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Silos;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Clustering;
using MoEActors.Workers.Estimation;

namespace MoEActors.Cli.Supervision;

/// <summary>Runs a cluster of several processes on this machine: a store, and silos that share the machine's cores and memory.</summary>
/// <param name="folder">What outlives the cluster.</param>
/// <param name="plan">What it is like.</param>
/// <param name="log">The log of all: the name of a process and a line.</param>
internal sealed class ClusterSupervisor(ClusterFolder folder, ClusterPlan plan, Action<string, string> log)
{
    private const string Me = "cluster";
    private const string Id = "moe";

    private readonly Lock _lock = new();
    private readonly List<SiloKeeper> _keepers = [];
    private readonly TaskCompletionSource _allUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, string> _secrets = [];
    private LocalCluster _cluster = new(Environment.ProcessId, "", Id, Id, []);
    private int _lastUp;
    private volatile bool _isEnding;

    /// <summary>Ends when all silos have been up at one time.</summary>
    public Task AllUp => _allUp.Task;

    /// <summary>The silos, from when the store serves.</summary>
    public IReadOnlyList<ChildKeeper> Silos => _keepers;

    /// <summary>The store, from when it is started.</summary>
    public ChildKeeper? Store { get; private set; }

    /// <summary>Runs until it is asked to end.</summary>
    /// <exception cref="ChildFailedException">A process cannot run.</exception>
    public async Task RunAsync(CancellationToken ending)
    {
        using FolderLock alone = folder.Take();
        _secrets[SiloSettings.SecretVariable] = folder.Secret();
        _secrets[SiloSettings.RedisPasswordVariable] = folder.RedisPassword();
        ChoosePorts(folder.Read());
        using var storeEnding = new CancellationTokenSource();
        using var silosEnding = CancellationTokenSource.CreateLinkedTokenSource(ending);
        var serves = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Store = new StoreKeeper(StoreArguments, _secrets, log) { Changed = () => serves.TrySetResult() };
        Task keepingStore = Store.RunAsync(storeEnding.Token);
        List<Task> keeping = [keepingStore];
        Task serving = Task.CompletedTask;
        try
        {
            await Task.WhenAny(serves.Task, keepingStore, Task.Delay(Timeout.Infinite, ending));
            if (ending.IsCancellationRequested)
            {
                return;
            }

            if (serves.Task.IsCompleted)
            {
                folder.Write(_cluster);
                _keepers.AddRange(Enumerable.Range(0, plan.Silos).Select(Keeper));
                keeping.AddRange(_keepers.Select(keeper => keeper.RunAsync(silosEnding.Token)));
                serving = ServeDashboardAsync(silosEnding.Token);
            }

            // All end when they are asked to; one that ends before cannot run, and then there is no cluster.
            await await Task.WhenAny(keeping);
        }
        finally
        {
            _isEnding = true;
            log(Me, "ends");
            await silosEnding.CancelAsync();
            await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAll(keeping[1..]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await storeEnding.CancelAsync();
            await keepingStore.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static bool IsFree(int port) => FreePorts.Problem(new IPEndPoint(IPAddress.Loopback, port)) is null;

    /// <summary>The ports of the cluster that was here before, where they are free: whoever knows a silo of it finds it again.</summary>
    private void ChoosePorts(LocalCluster? before)
    {
        int[] fresh = FreePorts.Take(1 + (3 * plan.Silos));
        int store = before is not null && int.TryParse(before.Redis.Split(':')[^1], out int kept) && IsFree(kept) ? kept : fresh[^1];
        LocalSilo[] chosen =
        [
            .. Enumerable.Range(0, plan.Silos).Select(index => before?.Silos.ElementAtOrDefault(index) is { } same && same.Ports().All(IsFree)
                ? same
                : new LocalSilo($"silo-{index}", fresh[3 * index], fresh[(3 * index) + 1], fresh[(3 * index) + 2])),
        ];
        _cluster = _cluster with { Redis = $"redis://127.0.0.1:{store}", Silos = chosen };
    }

    private IEnumerable<string> StoreArguments() =>
    [
        LocalStore.Command, LocalStore.PortOption, _cluster.Redis.Split(':')[^1], LocalStore.DataOption, folder.Store,
        .. plan.Store == StoreKind.Redis ? [LocalStore.RedisOption] : Array.Empty<string>(),
    ];

    private SiloKeeper Keeper(int index)
    {
        string name = _cluster.Silos[index].Name;
        return new SiloKeeper(
            name, () => SiloArguments(index), _secrets, log, () => new Uri($"http://127.0.0.1:{_cluster.Silos[index].HealthPort}{SiloHost.Ready}"))
        {
            Changed = TellHowManyAreUp,
        };
    }

    private IEnumerable<string> SiloArguments(int index)
    {
        LocalSilo silo = SiloWithFreePorts(index);
        return
        [
            "silo", "--name", silo.Name, "--redis", _cluster.Redis, "--cluster-id", _cluster.ClusterId, "--service-id", _cluster.ServiceId,
            "--silo-port", Text(silo.SiloPort), "--gateway-port", Text(silo.GatewayPort), "--health-port", Text(silo.HealthPort),
            "--threads-per-device", Text(Math.Max(1, Environment.ProcessorCount / plan.Silos)), "--memory-per-device", Text(MemoryBudget.Default(plan.Silos)),
            "--snapshot-place", folder.Snapshots, DashboardChoice.OptionName, DashboardChoice.None,
            .. plan.LogLevel is { } level ? ["--log-level", level] : Array.Empty<string>(),
            .. plan.SnapshotInterval is { } interval ? ["--snapshot-interval", Text(interval)] : Array.Empty<string>(),
            .. plan.Dashboard.HasOrleans ? [DashboardOptions.OrleansOption, "true"] : Array.Empty<string>(),
            .. plan.More?.Invoke(index, silo) ?? [],
        ];
    }

    /// <summary>Serves the dashboard from the moment at which there is something to see, until all end; this process does, as no silo that dies takes it along.</summary>
    private async Task ServeDashboardAsync(CancellationToken ending)
    {
        while (!ending.IsCancellationRequested && plan.Dashboard.Endpoint is not null)
        {
            try
            {
                await AllUp.WaitAsync(ending);
                await using MoECluster cluster = await MoECluster.ConnectAsync(folder.Connection()!, cancellationToken: ending);
                await using var served = BackgroundDashboard.Begin(plan.Dashboard, cluster, line => log(Me, line), reason => log(Me, reason));
                await Task.Delay(Timeout.Infinite, ending);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ConnectionFailedException)
            {
                // The silo that was up is not any more.
                await Task.Delay(TimeSpan.FromSeconds(1), ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>A silo's ports are its own as long as nobody has taken one of them meanwhile.</summary>
    private LocalSilo SiloWithFreePorts(int index)
    {
        lock (_lock)
        {
            LocalSilo silo = _cluster.Silos[index];
            if (!silo.Ports().All(IsFree))
            {
                int[] fresh = FreePorts.Take(3);
                silo = new LocalSilo(silo.Name, fresh[0], fresh[1], fresh[2]);
                _cluster = _cluster with { Silos = [.. _cluster.Silos.Select((other, at) => at == index ? silo : other)] };
                folder.Write(_cluster);
            }

            return silo;
        }
    }

    private void TellHowManyAreUp()
    {
        lock (_lock)
        {
            int up = _keepers.Count(keeper => keeper.IsUp);
            if (up == _lastUp || _isEnding)
            {
                return;
            }

            _lastUp = up;
            if (up == plan.Silos)
            {
                _allUp.TrySetResult();
            }

            log(Me, up == plan.Silos
                ? $"all {plan.Silos} silos are up, on ports {string.Join(", ", _cluster.Silos.Select(silo => silo.GatewayPort))} for clients. Connect with moe COMMAND --connect; end with Ctrl-C"
                : $"{up} of {plan.Silos} silos are up");
        }
    }
}

/// <summary>What a cluster on this machine is like.</summary>
/// <param name="Silos">Number of silos.</param>
internal sealed record ClusterPlan(int Silos)
{
    /// <summary>The least that silos log; null for what they log by themselves.</summary>
    public string? LogLevel { get; init; }

    /// <summary>Steps between snapshots of a run; null for what silos have by themselves.</summary>
    public int? SnapshotInterval { get; init; }

    /// <summary>Where the dashboard is served.</summary>
    public DashboardChoice Dashboard { get; init; } = DashboardChoice.Off;

    /// <summary>The server in which the silos meet.</summary>
    public StoreKind Store { get; init; }

    /// <summary>More arguments for a silo that is about to start, by its index; null for none.</summary>
    public Func<int, LocalSilo, IEnumerable<string>>? More { get; init; }
}
