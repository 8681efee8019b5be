using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MoEActors.Grains.Durability;
using MoEActors.Native.Communication;

namespace MoEActors.Silo.Clustering;

/// <summary>Says that silos of this cluster share a process, so that they may share what is the process's own.</summary>
/// <param name="end">Ends one of them.</param>
internal sealed class SharedProcess(Func<SiloAddress, Task> end)
{
    /// <summary>Ends a silo as a crash does. The last one stays, so that whoever asks it learns the cause, until there is another.</summary>
    public Task EndAsync(SiloAddress silo) => end(silo);
}

/// <summary>
/// Keeps a silo whose store or data plane is its process's own out of a cluster of several processes: runs would be there for some of its silos and not for
/// others. It does not start; and one that others join later, as silos that start together may, ends.
/// </summary>
internal sealed class ProcessPrivateGuard(
    ILocalSiloDetails self, IClusterMembershipService membership, IServiceProvider services, IHostApplicationLifetime host, ILogger<ProcessPrivateGuard> log)
    : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle)
    {
        if (services.GetService<SharedProcess>() is null)
        {
            lifecycle.Subscribe(nameof(ProcessPrivateGuard), ServiceLifecycleStage.BecomeActive - 1, StartAsync, _ => _stopping.CancelAsync());
        }
    }

    /// <inheritdoc />
    public void Dispose() => _stopping.Dispose();

    private async Task StartAsync(CancellationToken cancellation)
    {
        string own = string.Join(" and ", PrivateServices());
        if (own.Length == 0)
        {
            return;
        }

        await membership.Refresh(cancellationToken: cancellation);
        if (Other(membership.CurrentSnapshot, SiloStatus.Joining, SiloStatus.Active) is { } other)
        {
            throw new ClusterStartException(Words(own, other));
        }

        _ = WatchAsync(own);
    }

    private async Task WatchAsync(string own)
    {
        try
        {
            await foreach (ClusterMembershipSnapshot snapshot in membership.MembershipUpdates.WithCancellation(_stopping.Token))
            {
                // One that is joining may be refused.
                if (Other(snapshot, SiloStatus.Active) is { } other)
                {
                    ClusterLog.ProcessPrivate(log, Words(own, other));
                    host.StopApplication();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private ClusterMember? Other(ClusterMembershipSnapshot snapshot, params SiloStatus[] statuses) => snapshot.Members.Values.FirstOrDefault(member =>
        statuses.Contains(member.Status) && !member.SiloAddress.Endpoint.Equals(self.SiloAddress.Endpoint));

    private IEnumerable<string> PrivateServices() => new (string Name, object? Service)[]
    {
        (nameof(IRunStore), services.GetService<IRunStore>()), (nameof(ICommunicatorProvider), services.GetService<ICommunicatorProvider>()),
    }.Where(service => service.Service is IProcessPrivate).Select(service => $"{service.Name} ({service.Service!.GetType().Name})");

    private string Words(string own, ClusterMember other) =>
        $"Silo {self.Name} cannot be a member of a cluster with silo {other.Name} at {other.SiloAddress}: its {own} serves one process only, so that models would be "
        + "there for some silos and not for others. Give every silo a store and a data plane that all of them share.";
}
