using System.Net;
using System.Net.Sockets;

namespace MoEActors.Silo.Clustering;

/// <summary>
/// Refuses to start a second silo of one name. A predecessor that has died and is not yet declared dead does not count: nobody listens where it was.
/// </summary>
internal sealed class SiloNameGuard(ILocalSiloDetails self, IClusterMembershipService membership) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(SiloNameGuard), ServiceLifecycleStage.RuntimeGrainServices + 1, StartAsync, _ => Task.CompletedTask);

    private async Task StartAsync(CancellationToken cancellation)
    {
        foreach (ClusterMember member in membership.CurrentSnapshot.Members.Values)
        {
            if (member.Name == self.Name && member.Status is SiloStatus.Joining or SiloStatus.Active
                && !member.SiloAddress.Endpoint.Equals(self.SiloAddress.Endpoint) && await ListensAsync(member.SiloAddress.Endpoint, cancellation))
            {
                throw new ClusterStartException(
                    $"There is a silo named {self.Name} already, at {member.SiloAddress.Endpoint}. Give each silo of a cluster a name of its own, which its restarts keep.");
            }
        }
    }

    private static async Task<bool> ListensAsync(IPEndPoint endpoint, CancellationToken cancellation)
    {
        using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(AnswerTimeout);
        try
        {
            await socket.ConnectAsync(endpoint, deadline.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
