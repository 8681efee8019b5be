using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Orleans;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Support;

/// <summary>
/// A cluster inside this process whose data plane can be disturbed, whose calls are counted and can be lost, and whose hosts can be spoken to. Tests
/// that leave all silos running rent one; tests that kill or add some, or want it with settings of its own, start one.
/// </summary>
internal sealed class TrainingCluster : IAsyncDisposable
{
    private readonly EmbeddedCluster _cluster;
    private int _lease;

    private TrainingCluster(EmbeddedCluster cluster, IRunStore store, DisturbedCommunicators dataPlane, TrainingCalls calls)
    {
        _cluster = cluster;
        Store = store;
        DataPlane = dataPlane;
        Calls = calls;
    }

    public MoECluster Client => _cluster.Client;

    public EmbeddedSilos Silos => _cluster.Silos;

    public IRunStore Store { get; }

    public DisturbedCommunicators DataPlane { get; }

    public TrainingCalls Calls { get; }

    /// <summary>Where the cluster goes when its test is done; null if it ends with it.</summary>
    public ClusterPool? Pool { get; set; }

    /// <summary>How many tests have had it.</summary>
    public int Lease => _lease;

    /// <summary>A name that no test has given before on this cluster.</summary>
    public string this[string name] => Pool is null ? name : $"{name}-{_lease}";

    /// <summary>A cluster of so many silos that nobody else uses meanwhile, with its silos' usual settings.</summary>
    public static Task<TrainingCluster> RentAsync(int silos) => RentAsync([.. Enumerable.Repeat(1, silos)]);

    /// <summary>As above, of silos with these numbers of devices.</summary>
    public static async Task<TrainingCluster> RentAsync(params int[] devices)
    {
        TrainingCluster cluster = await ClusterPool.Of(devices).TakeAsync(() => StartAsync(devices));
        cluster._lease++;
        return cluster;
    }

    public static Task<TrainingCluster> StartAsync(int silos, int threads = 1) => StartAsync([.. Enumerable.Repeat(1, silos)], threads);

    /// <summary>Starts silos with these numbers of devices.</summary>
    public static async Task<TrainingCluster> StartAsync(
        int[] devices, int threads = 1, IRunStore? store = null, long? memory = null, Action<ISiloBuilder>? configure = null, int snapshots = 20,
        string? place = null)
    {
        store ??= new InMemoryRunStore();
        var dataPlane = new DisturbedCommunicators();
        var calls = new TrainingCalls();
        EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(
            new EmbeddedClusterOptions
            {
                Silos = devices.Length,
                Store = store,
                MemoryPerWorker = memory,
                SnapshotInterval = snapshots,
                SnapshotPlace = place,
                Configure = (index, silo) =>
                {
                    silo.Services.Configure<WorkerHostOptions>(host =>
                        host.Devices = () => [.. Enumerable.Range(0, devices[index % devices.Length]).Select(_ => (IDevice)new CpuDevice(threads))]);
                    silo.Services.Replace(ServiceDescriptor.Singleton<ICommunicatorProvider>(dataPlane));
                    silo.Services.AddSingleton(calls);
                    silo.AddIncomingGrainCallFilter<TrainingCallFilter>();
                    silo.AddGrainService<LatchService>();
                    silo.Services.AddSingleton<ILatchServiceClient, LatchServiceClient>();
                    configure?.Invoke(silo);
                },
            },
            TestContext.Current.CancellationToken);
        return new TrainingCluster(cluster, store, dataPlane, calls);
    }

    public WorkerHost Host(int silo) => Silos.Silos.Single(one => one.Index == silo).Services.GetRequiredService<WorkerHost>();

    public PlacementMapCache Maps(int silo) => Silos.Silos.Single(one => one.Index == silo).Services.GetRequiredService<PlacementMapCache>();

    /// <summary>Ends the cluster, or gives it back.</summary>
    public async ValueTask DisposeAsync()
    {
        DataPlane.Release();
        if (Pool is null || !await Pool.TryReturnAsync(this))
        {
            await _cluster.DisposeAsync();
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
}
