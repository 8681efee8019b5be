using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Examples;
using MoEActors.Grains.Durability;
using MoEActors.Modules.Checkpoints;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Orleans;
using MoEActors.Workers.Host;
using Orleans.Configuration;

namespace MoEActors.Tests.Support;

/// <summary>
/// A cluster inside this process whose data plane, store and disk can be disturbed, whose calls are counted and can be lost, whose silos can be killed,
/// and whose hosts can be spoken to. It knows the experts and gates of the examples. Tests rent one, and leave it as it is: those who rent it next find all
/// silos again.
/// </summary>
internal sealed class TrainingCluster : IAsyncDisposable
{
    private readonly EmbeddedCluster _cluster;
    private readonly TemporaryFolder _snapshots;
    private readonly List<EmbeddedSilo> _frozen = [];
    private readonly int _silos;
    private int _lease;

    private TrainingCluster(EmbeddedCluster cluster, TemporaryFolder snapshots, IRunStore store, ETagStorage? storage, DisturbedCommunicators dataPlane, DisturbedDisk disk, TrainingCalls calls)
    {
        _cluster = cluster;
        _snapshots = snapshots;
        _silos = cluster.Silos.Silos.Count;
        Store = store;
        Storage = storage;
        DataPlane = dataPlane;
        Disk = disk;
        Calls = calls;
    }

    public MoECluster Client => _cluster.Client;

    public EmbeddedSilos Silos => _cluster.Silos;

    public IRunStore Store { get; }

    /// <summary>Where <see cref="Store"/> keeps runs, where that is a grain storage.</summary>
    public ETagStorage? Storage { get; }

    public DisturbedCommunicators DataPlane { get; }

    /// <summary>Where silos write checkpoints and snapshots.</summary>
    public DisturbedDisk Disk { get; }

    public TrainingCalls Calls { get; }

    /// <summary>Where the cluster goes when its test is done; null if it ends with it.</summary>
    public ClusterPool? Pool { get; set; }

    /// <summary>How many tests have had it.</summary>
    public int Lease => _lease;

    /// <summary>A name that no test has given before on this cluster.</summary>
    public string this[string name] => Pool is null ? name : $"{name}-{_lease}";

    /// <summary>A cluster of so many silos that nobody else uses meanwhile, with its silos' usual settings.</summary>
    public static Task<TrainingCluster> RentAsync(int silos) => RentAsync(DevicesOf(silos));

    /// <summary>As above, of silos with these numbers of devices, and with other settings.</summary>
    public static Task<TrainingCluster> RentAsync(
        int[] devices, int threads = 1, long? memory = null, int snapshots = 20, bool inGrainStorage = false, Action<ISiloBuilder>? configure = null) =>
        RentAsync(new ClusterShape(devices, threads, memory, snapshots, inGrainStorage, configure));

    /// <summary>One device in each of so many silos.</summary>
    public static int[] DevicesOf(int silos) => [.. Enumerable.Repeat(1, silos)];

    /// <summary>Starts a cluster for one test, which has something of its own to do with its silos' services.</summary>
    public static async Task<TrainingCluster> StartAsync(ClusterShape shape)
    {
        ETagStorage? storage = shape.InGrainStorage ? new ETagStorage() : null;
        IRunStore store = storage?.ToRunStore() ?? (IRunStore)new InMemoryRunStore();
        var dataPlane = new DisturbedCommunicators();
        var disk = new DisturbedDisk();
        var calls = new TrainingCalls();
        var snapshots = new TemporaryFolder();
        int[] devices = shape.Devices;
        EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(
            new EmbeddedClusterOptions
            {
                Silos = devices.Length,
                Store = store,
                MemoryPerWorker = shape.Memory,
                SnapshotInterval = shape.Snapshots,
                SnapshotPlace = snapshots.Path,
                GateKinds = [new TopPGate(0.6f)],
                ExpertKinds = [new SquaredReluExpert()],
                CheckKinds = false,
                Configure = (index, silo) =>
                {
                    silo.Services.Configure<WorkerHostOptions>(host =>
                        host.Devices = () => [.. Enumerable.Range(0, devices[index % devices.Length]).Select(_ => (IDevice)new CpuDevice(shape.Threads))]);
                    silo.Services.Replace(ServiceDescriptor.Singleton<ICommunicatorProvider>(dataPlane));
                    silo.Services.Replace(ServiceDescriptor.Singleton<IFileStore>(disk));
                    silo.Services.AddSingleton(calls);
                    silo.AddIncomingGrainCallFilter<TrainingCallFilter>();
                    silo.AddGrainService<LatchService>();
                    silo.Services.AddSingleton<ILatchServiceClient, LatchServiceClient>();

                    // Silos of this process that took each other for dead, on a busy machine, would end it. Who kills one tells the others.
                    silo.Configure<ClusterMembershipOptions>(membership => membership.ProbeTimeout = membership.MaxProbeTimeout = TimeSpan.FromSeconds(10));
                    // Models of earlier tests stay as they were left.
                    silo.Services.Replace(ServiceDescriptor.Singleton(new WakingPace(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan)));
                    shape.Configure?.Invoke(silo);
                },
            },
            TestContext.Current.CancellationToken);
        return new TrainingCluster(cluster, snapshots, store, storage, dataPlane, disk, calls);
    }

    public WorkerHost Host(int silo) => Silos.Silos.Single(one => one.Index == silo).Services.GetRequiredService<WorkerHost>();

    public PlacementMapCache Maps(int silo) => Silos.Silos.Single(one => one.Index == silo).Services.GetRequiredService<PlacementMapCache>();

    /// <summary>Where a model's snapshots are.</summary>
    public async Task<string> SnapshotsAsync(string model) =>
        Path.Combine(_snapshots.Path, $"{model}-{(await Store.ReadAsync(model))!.Run.ToString("n")[..8]}");

    /// <summary>
    /// Ends silos as a crash does. Another one is told that they are dead, as its probes would tell it; how a silo learns that by itself is for
    /// <c>LeavingSiloFactTests</c> to see.
    /// </summary>
    public async Task KillAsync(params EmbeddedSilo[] silos)
    {
        Task killing = Silos.KillAsync(silos, TestContext.Current.CancellationToken);
        var witness = Silos.Silos[0].Services.GetRequiredService<IClusterMembershipService>();
        await Task.WhenAll(silos.Select(silo => witness.TryKill(silo.Address)));
        await killing;
    }

    /// <summary>
    /// Freezes a silo: nobody reaches it and the others are told that it is dead, while what it does in the data plane it goes on doing. It ends with the test.
    /// </summary>
    public async Task FreezeAsync(EmbeddedSilo silo)
    {
        silo.Services.GetRequiredService<SiloMembershipTable>().CutOff();
        silo.Services.GetRequiredService<SiloNetwork>().Cut();
        _frozen.Add(silo);
        await Silos.Silos.First(other => other != silo).Services.GetRequiredService<IClusterMembershipService>().TryKill(silo.Address);
    }

    /// <summary>Deletes what earlier tests have left, for one that looks at all that a host has.</summary>
    public async Task ClearAsync()
    {
        foreach (string model in await Store.ListAsync())
        {
            await Client.DeleteModelAsync(model, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Starts the silos again that a test has ended, and ends those that it has added.</summary>
    public async Task RepairAsync()
    {
        foreach (EmbeddedSilo added in Silos.Silos.Where(silo => silo.Index >= _silos))
        {
            await Silos.StopAsync(added, TestContext.Current.CancellationToken);
        }

        int[] missing = [.. Enumerable.Range(0, _silos).Except(Silos.Silos.Select(silo => silo.Index))];
        await Task.WhenAll(missing.Select(index => ClusterStarts.RestartAsync(Silos, index)));
    }

    /// <summary>Ends the cluster, or gives it back.</summary>
    public async ValueTask DisposeAsync()
    {
        DataPlane.Release();
        Disk.Instead = null;
        await Silos.KillAsync(_frozen);
        _frozen.Clear();
        if (Pool is null || !await Pool.TryReturnAsync(this))
        {
            await _cluster.DisposeAsync();
            _snapshots.Dispose();
        }
    }

    /// <summary>Whether nothing that a test has done is still going on.</summary>
    public async Task<bool> IsQuietAsync()
    {
        Calls.Reset();
        Calls.Clear();
        Task drained = Task.WhenAll(Silos.Silos.Select(silo => Host(silo.Index).DrainAsync()));
        return await Task.WhenAny(drained, Task.Delay(TimeSpan.FromSeconds(5))) == drained;
    }

    private static async Task<TrainingCluster> RentAsync(ClusterShape shape)
    {
        TrainingCluster cluster = await ClusterPool.Of(shape).TakeAsync(() => StartAsync(shape));
        cluster._lease++;
        return cluster;
    }
}
