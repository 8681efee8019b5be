using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Orleans;

/// <summary>Connections in memory behave towards Orleans as sockets do.</summary>
public sealed class EmbeddedNetworkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_end_writes_the_other_reads_and_the_end_of_one_is_the_end_of_the_other()
    {
        (ConnectionContext near, ConnectionContext far) = await ConnectAsync(new EmbeddedNetwork());
        await near.Transport.Output.WriteAsync(new byte[] { 1, 2, 3 }, Cancellation);
        ReadResult read = await far.Transport.Input.ReadAsync(Cancellation);
        Assert.Equal([1, 2, 3], read.Buffer.ToArray());
        far.Transport.Input.AdvanceTo(read.Buffer.End);

        await near.DisposeAsync();
        Assert.True((await far.Transport.Input.ReadAsync(Cancellation)).IsCompleted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(Timeout.Infinite, far.ConnectionClosed));
        Assert.True((await far.Transport.Output.WriteAsync(new byte[] { 4 }, Cancellation)).IsCompleted);
    }

    [Fact]
    public async Task An_abort_is_seen_at_both_ends()
    {
        (ConnectionContext near, ConnectionContext far) = await ConnectAsync(new EmbeddedNetwork());
        far.Abort();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(Timeout.Infinite, near.ConnectionClosed));
        Assert.True(far.ConnectionClosed.IsCancellationRequested);
    }

    [Fact]
    public async Task Nobody_listens_before_a_bind_and_after_its_end_and_two_never_listen_at_one_endpoint()
    {
        var network = new EmbeddedNetwork();
        IPEndPoint endpoint = network.NextEndpoint();
        Assert.NotEqual(endpoint, network.NextEndpoint());
        await Assert.ThrowsAsync<SocketException>(async () => await network.ConnectAsync(endpoint, Cancellation));
        IConnectionListener listener = await network.BindAsync(endpoint, Cancellation);
        await Assert.ThrowsAsync<AddressInUseException>(async () => await network.BindAsync(endpoint, Cancellation));
        await network.ConnectAsync(endpoint, Cancellation);
        await listener.UnbindAsync(Cancellation);
        await Assert.ThrowsAsync<SocketException>(async () => await network.ConnectAsync(endpoint, Cancellation));

        // As with a socket's backlog: what had connected before is accepted, then there is no more.
        Assert.NotNull(await listener.AcceptAsync(Cancellation));
        Assert.Null(await listener.AcceptAsync(Cancellation));
    }

    [Fact]
    public async Task An_embedded_silo_opens_no_socket()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        using var socket = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(cluster.Silos.Silos[0].Address.Endpoint, Cancellation));
    }

    private static async Task<(ConnectionContext Near, ConnectionContext Far)> ConnectAsync(EmbeddedNetwork network)
    {
        IConnectionListener listener = await network.BindAsync(network.NextEndpoint(), Cancellation);
        ConnectionContext near = await network.ConnectAsync(listener.EndPoint, Cancellation);
        return (near, (await listener.AcceptAsync(Cancellation))!);
    }
}
