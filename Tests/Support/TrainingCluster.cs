using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Workers;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Silo.Embedded;

namespace MoEActors.Tests.Support;

/// <summary>A cluster inside this process whose data plane can be disturbed, whose calls are counted, and whose hosts can be spoken to.</summary>
internal sealed class TrainingCluster : IAsyncDisposable
{
    private readonly EmbeddedCluster _cluster;

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

    public static Task<TrainingCluster> StartAsync(int silos, int threads = 1) => StartAsync([.. Enumerable.Repeat(1, silos)], threads);

    /// <summary>Starts silos with these numbers of devices.</summary>
    public static async Task<TrainingCluster> StartAsync(int[] devices, int threads = 1, IRunStore? store = null, long? memory = null)
    {
        store ??= new InMemoryRunStore();
        var dataPlane = new DisturbedCommunicators();
        var calls = new TrainingCalls();
        EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(
            new EmbeddedClusterOptions
            {
                Silos = devices.Length,
                Store = store,
                MemoryPerWorker = memory,
                Configure = (index, silo) =>
                {
                    silo.Services.Configure<WorkerHostOptions>(host =>
                        host.Devices = () => [.. Enumerable.Range(0, devices[index % devices.Length]).Select(_ => (IDevice)new CpuDevice(threads))]);
                    silo.Services.Replace(ServiceDescriptor.Singleton<ICommunicatorProvider>(dataPlane));
                    silo.Services.AddSingleton(calls);
                    silo.AddIncomingGrainCallFilter<TrainingCallFilter>();
                },
            },
            TestContext.Current.CancellationToken);
        return new TrainingCluster(cluster, store, dataPlane, calls);
    }

    public WorkerHost Host(int silo) => Silos.Silos.Single(one => one.Index == silo).Services.GetRequiredService<WorkerHost>();

    public ValueTask DisposeAsync()
    {
        DataPlane.Release();
        return _cluster.DisposeAsync();
    }
}
