using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MoEActors.Silo.Clustering;
using MoEActors.Workers.Host;

namespace MoEActors.Silo.Hosting;

/// <summary>
/// Ends a silo that has lost a device: the process cannot use it any more, and the cluster goes on without the silo as after any death. A silo that is alone in its
/// process stops its host, to be started anew; one of several in a process ends by itself.
/// </summary>
internal sealed class DeviceWatch(WorkerHost workers, ILocalSiloDetails self, IServiceProvider services, IHostApplicationLifetime host) : ILifecycleParticipant<ISiloLifecycle>
{
    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(DeviceWatch), ServiceLifecycleStage.Active, cancellation =>
    {
        _ = WatchAsync();
        return Task.CompletedTask;
    });

    private async Task WatchAsync()
    {
        await workers.DeviceLost;
        if (services.GetService<SharedProcess>() is { } shared)
        {
            await shared.EndAsync(self.SiloAddress);
        }
        else
        {
            // Whoever watches the process is to start it anew.
            Environment.ExitCode = 1;
            host.StopApplication();
        }
    }
}
