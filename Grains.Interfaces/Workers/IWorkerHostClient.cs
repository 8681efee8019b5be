using Orleans.Services;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Reaches the worker host of a given silo.</summary>
public interface IWorkerHostClient : IGrainServiceClient<IWorkerHostService>
{
    /// <summary>The worker host of <paramref name="silo"/>. A call to a dead silo fails at once.</summary>
    IWorkerHostService On(SiloAddress silo);
}
