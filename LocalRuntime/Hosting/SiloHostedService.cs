using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Services;

namespace Orleans.Hosting;

/// <summary>Starts and stops a silo with its host.</summary>
internal sealed class SiloHostedService(Silo silo, IServiceProvider services, IOptions<GrainCollectionOptions> collection) : IHostedService, IDisposable
{
    private GrainService[] _grainServices = [];
    private ITimer? _collector;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ClusterMembership membership = silo.Cluster.Membership;
        membership.Set(silo, SiloStatus.Joining);
        _grainServices = [.. services.GetServices<IGrainService>().Cast<GrainService>()];
        foreach (GrainService service in _grainServices)
        {
            silo.Add(service);
            await service.RunAsync(() => service.Init(services));
        }

        membership.Set(silo, SiloStatus.Active);
        foreach (GrainService service in _grainServices)
        {
            await service.RunAsync(service.Start);
        }

        foreach (StartupTask task in services.GetServices<StartupTask>().OrderBy(task => task.Stage))
        {
            await task.Execute(cancellationToken);
        }

        GrainCollectionOptions options = collection.Value;
        _collector = silo.Cluster.TimeProvider.CreateTimer(
            _ => silo.Collect(options.CollectionAge), null, options.CollectionQuantum, options.CollectionQuantum);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        if (cancellationToken.IsCancellationRequested)
        {
            silo.Cluster.KillSilo(silo.SiloAddress);
            return;
        }

        if (!silo.Cluster.Membership.Set(silo, SiloStatus.ShuttingDown))
        {
            return;
        }

        var reason = new DeactivationReason(DeactivationReasonCode.ShuttingDown, "The silo is shutting down.");
        Activation[] activations = [.. silo.Activations];
        foreach (Activation activation in activations)
        {
            activation.Deactivate(reason, CancellationToken.None);
        }

        try
        {
            await Task.WhenAll(activations.Select(activation => activation.Deactivated)).WaitAsync(cancellationToken);
            foreach (GrainService service in _grainServices)
            {
                await service.RunAsync(service.Stop).WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The host's patience is over; what is left vanishes.
        }

        silo.Cluster.Bury(silo);
    }

    public void Dispose() => _collector?.Dispose();
}
