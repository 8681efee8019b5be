using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Client.Configuration;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Grains.Telemetry;
using MoEActors.Grains.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Nccl;
using MoEActors.Silo.Clustering;
using MoEActors.Workers.Host;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;

namespace MoEActors.Silo.Hosting;

/// <summary>Makes a silo a host of experts.</summary>
public static class MoESiloBuilderExtensions
{
    /// <summary>
    /// Adds the worker host, the pinned placement and everything that training needs, and tunes membership: a silo that dies is declared dead within a
    /// second or two, not after ten. Configure <see cref="ClusterMembershipOptions"/> after this to have it otherwise.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="configure">Sets options, over those of the host's configuration.</param>
    public static ISiloBuilder AddMoE(this ISiloBuilder silo, Action<MoEOptions>? configure = null)
    {
        OptionsBuilder<MoEOptions> options = silo.Services.AddOptions<MoEOptions>()
            .BindWhole(MoEOptions.Section);
        if (configure is not null)
        {
            options.Configure(configure);
        }

        silo.Services.AddSingleton<IValidateOptions<MoEOptions>, MoEOptionsValidator>();
        silo.Services.AddOptions<WorkerHostOptions>().Configure<IOptions<MoEOptions>>((host, chosen) =>
        {
            host.Devices = chosen.Value.Open;
            host.MemoryPerDevice = chosen.Value.MemoryPerDevice;
        });
        silo.Services.AddSingleton(services => Chosen(services).Store ?? InGrainStorage(services) ?? (IRunStore)new InMemoryRunStore());
        silo.Services.AddSingleton(services => Chosen(services).Communicators
            ?? (services.GetService<TcpCommunicatorProvider>() is { } tcp ? new NcclCommunicatorProvider(tcp) : (ICommunicatorProvider)new InProcessCommunicatorProvider()));
        silo.Services.AddSingleton(services => Chosen(services).CallerBuffers ?? new CallerBuffers());
        silo.Services.AddSingleton(services => ModelKinds.BuiltIn.With(Chosen(services).ExpertKinds, Chosen(services).GateKinds));
        silo.Services.AddSingleton(services => new CheckpointPlaces(Chosen(services).CheckpointRoot));
        silo.Services.AddSingleton(services => new SnapshotPlaces(
            Chosen(services).SnapshotPlace, HasOwnRuns(services) && Chosen(services).SnapshotInterval > 0, services.GetRequiredService<CheckpointPlaces>()));
        silo.Services.AddSingleton(services => new SnapshotOptions(Chosen(services).SnapshotInterval, services.GetRequiredService<SnapshotPlaces>().Place));
        silo.Services.AddSingleton<IFileStore, DiskFileStore>();
        silo.Services.AddSingleton<LiveRuns>();
        silo.Services.AddSingleton<PlacementMapCache>();
        silo.Services.AddSingleton<GrainPlaces>();
        silo.Services.AddSingleton(services => new WorkerHost(
            services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString(), services.GetRequiredService<IOptions<WorkerHostOptions>>().Value,
            services.GetRequiredService<ICommunicatorProvider>(), services.GetRequiredService<IFileStore>(), services.GetRequiredService<ModelKinds>(),
            services.GetRequiredService<CallerBuffers>(), services.GetRequiredService<CheckpointPlaces>(),
            services.GetRequiredService<ILogger<WorkerHost>>()));
        silo.Services.AddSingleton<IWorkerHostClient, WorkerHostClient>();
        silo.Services.AddSingleton<ISiloNews, MembershipNews>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, DeviceWatch>();
        silo.Services.AddSingleton(WakingPace.Usual);
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ModelWaker>();
        silo.AddGrainService<WorkerHostService>();
        silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
        return silo.TuneForMoE();
    }

    /// <summary>A store in the host's grain storage of our name; null when it has none.</summary>
    private static GrainStorageRunStore? InGrainStorage(IServiceProvider services) =>
        services.GetKeyedService<IGrainStorage>(MoEClusteringExtensions.Storage) is { } storage
            ? new GrainStorageRunStore(storage, services.GetRequiredService<Serializer>())
            : null;

    /// <summary>Whether nobody knows of the silo's runs when its process has ended. Silos that share a process share them.</summary>
    private static bool HasOwnRuns(IServiceProvider services) =>
        services.GetService<SharedProcess>() is null && services.GetRequiredService<IRunStore>() is IProcessPrivate;

    private static MoEOptions Chosen(IServiceProvider services) => services.GetRequiredService<IOptions<MoEOptions>>().Value;
}
