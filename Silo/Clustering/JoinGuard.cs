using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using MoEActors.Client.Connections;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Silo.Clustering;

/// <summary>
/// Looks at the members of a cluster before a silo is one of them, and lets it not become the second of its name, nor one that the others would refuse: once it is in
/// the table, all of them would take each other for dead. A predecessor that has died and is not yet declared dead does not count: nobody listens where it was.
/// </summary>
internal sealed class JoinGuard(ILocalSiloDetails self, IClusterMembershipService membership, IOptions<MoEClusterOptions> options) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private readonly SecretHandshake? _handshake = options.Value.Secret is { } secret
        ? new SecretHandshake(ClusterSecret.From(secret), options.Value.ClusterId)
        : null;

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(JoinGuard), ServiceLifecycleStage.RuntimeGrainServices + 1, StartAsync, _ => Task.CompletedTask);

    private Task StartAsync(CancellationToken cancellation) => Task.WhenAll(membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status is SiloStatus.Joining or SiloStatus.Active && !member.SiloAddress.Endpoint.Equals(self.SiloAddress.Endpoint))
        .Select(member => RequireAsync(member, cancellation)));

    private async Task RequireAsync(ClusterMember member, CancellationToken cancellation)
    {
        IPEndPoint endpoint = member.SiloAddress.Endpoint;
        using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(AnswerTimeout);
        try
        {
            await socket.ConnectAsync(endpoint, deadline.Token);
            if (member.Name == self.Name)
            {
                throw new ClusterStartException(
                    $"There is a silo named {self.Name} already, at {endpoint}. Give each silo of a cluster a name of its own, which its restarts keep.");
            }

            if (_handshake is not null)
            {
                await using var stream = new NetworkStream(socket);
                await _handshake.DialAsync(
                    new Duplex(PipeReader.Create(stream), PipeWriter.Create(stream)),
                    ConnectionRole.Silo, SecretHandshake.Name(endpoint), SecretHandshake.Name(self.SiloAddress.Endpoint), deadline.Token);
            }
        }
        catch (HandshakeException e) when (e.Reason is ConnectionRefusal.Proof or ConnectionRefusal.Cluster or ConnectionRefusal.Version or ConnectionRefusal.Address)
        {
            throw new ClusterStartException($"Silo {self.Name} cannot be a member of a cluster with silo {member.Name} at {endpoint}: {SecretHandshake.Words(e.Reason)}.", e);
        }
        catch (Exception e) when (e is SocketException or IOException or HandshakeException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // One that does not answer may have died; whether it has is for the members to say.
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
