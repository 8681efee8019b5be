using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Placement;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Silo.Hosting;

/// <summary>Makes a silo a host of experts.</summary>
public static class MoESiloBuilderExtensions
{
    /// <summary>Adds the worker host, the pinned placement and everything that training needs.</summary>
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
        silo.Services.AddSingleton(_ => options.CallerMemory ?? new CallerMemory());
        silo.Services.AddSingleton(ModelKinds.BuiltIn.With(options.ExpertKinds, options.GateKinds));
        silo.Services.AddSingleton<IFileStore, DiskFileStore>();
        silo.Services.AddSingleton<PlacementBoard>();
        silo.Services.AddSingleton<WorkerHost>();
        silo.Services.AddSingleton<IWorkerHostClient, WorkerHostClient>();
        silo.AddGrainService<WorkerHostService>();
        silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
        return silo;
    }
}
