using MoEActors.Grains.Interfaces.Workers;
using Orleans.Runtime.Services;

namespace MoEActors.Grains.Workers;

/// <summary>Reaches worker hosts from within a silo.</summary>
public sealed class WorkerHostClient(IServiceProvider services) : GrainServiceClient<IWorkerHostService>(services), IWorkerHostClient
{
    /// <inheritdoc />
    public IWorkerHostService On(SiloAddress silo) => GetGrainService(silo);
}
