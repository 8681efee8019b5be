using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Workers.Host;
using Orleans.Configuration;

namespace MoEActors.Silo.Hosting;

/// <summary>Makes a silo a host of experts.</summary>
public static class MoESiloBuilderExtensions
{
    /// <summary>
    /// Adds the worker host, the pinned placement and everything that training needs, and tunes membership: a silo that dies is declared dead within a
    /// second or two, not after ten. Configure <see cref="ClusterMembershipOptions"/> after this to have it otherwise.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="configure">Sets options.</param>
    /// <exception cref="ArgumentException">Two kinds of expert or gate have one name, or one has a name that no configuration can have.</exception>
    public static ISiloBuilder AddMoE(this ISiloBuilder silo, Action<MoEOptions>? configure = null)
    {
        var options = new MoEOptions();
        configure?.Invoke(options);
        silo.Services.Configure<WorkerHostOptions>(host =>
        {
            host.Devices = options.Devices;
            host.MemoryPerDevice = options.MemoryPerDevice;
        });
        silo.Services.AddSingleton<IRunStore>(_ => options.Store ?? new InMemoryRunStore());
        silo.Services.AddSingleton<ICommunicatorProvider>(_ => options.Communicators ?? new InProcessCommunicatorProvider());
        silo.Services.AddSingleton(_ => options.CallerBuffers ?? new CallerBuffers());
        silo.Services.AddSingleton(ModelKinds.BuiltIn.With(options.ExpertKinds, options.GateKinds));
        silo.Services.AddSingleton<IFileStore, DiskFileStore>();
        silo.Services.AddSingleton<PlacementMapCache>();
        silo.Services.AddSingleton<GrainPlaces>();
        silo.Services.AddSingleton(services => new WorkerHost(
            services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString(), services.GetRequiredService<IOptions<WorkerHostOptions>>().Value,
            services.GetRequiredService<ICommunicatorProvider>(), services.GetRequiredService<IFileStore>(), services.GetRequiredService<ModelKinds>(),
            services.GetRequiredService<CallerBuffers>(), services.GetRequiredService<ILogger<WorkerHost>>()));
        silo.Services.AddSingleton<IWorkerHostClient, WorkerHostClient>();
        silo.AddGrainService<WorkerHostService>();
        silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
        return silo.UseMoEClustering();
    }

    /// <summary>What every silo of ours needs of Orleans, whatever it hosts.</summary>
    internal static ISiloBuilder UseMoEClustering(this ISiloBuilder silo)
    {
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromMilliseconds(500);
            membership.MaxProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 2;
            membership.NumVotesForDeathDeclaration = 1;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(2);
        });

        // With the default directory, a silo that leaves takes healthy grains of the others with it. Ours is named, so that a host's own grains keep
        // the directory that the host has chosen. The lease is the whole silo's: with its default, grains of a dead silo come back after 27 s.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory(MoEGrainDirectory.Name);
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        return silo;
    }
}
