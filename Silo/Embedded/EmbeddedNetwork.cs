using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace MoEActors.Silo.Embedded;

/// <summary>
/// Connections between the silos and the client of one process: pipes in memory. Nothing needs a port, a file descriptor or a loopback device, and a
/// message does not pass through the kernel.
/// </summary>
internal sealed class EmbeddedNetwork : IConnectionFactory, IConnectionListenerFactory
{
    private readonly ConcurrentDictionary<EndPoint, Listener> _listeners = new();
    private int _ports;

    /// <summary>An endpoint that nobody else in this network has.</summary>
    public IPEndPoint NextEndpoint() => new(IPAddress.Loopback, Interlocked.Increment(ref _ports));

    /// <summary>Takes the place of the sockets that Orleans has registered, for silos, gateways and clients alike.</summary>
    public void Replace(IServiceCollection services)
    {
        foreach (ServiceDescriptor socket in services.Where(IsTransport).ToArray())
        {
            services.Remove(socket);
            services.AddKeyedSingleton(socket.ServiceType, socket.ServiceKey, this);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (!_listeners.TryGetValue(endpoint, out Listener? listener))
        {
            throw new SocketException((int)SocketError.ConnectionRefused);
        }

        (EmbeddedConnection near, EmbeddedConnection far) = EmbeddedConnection.Pair(endpoint);
        return listener.Accepted.Writer.TryWrite(far)
            ? ValueTask.FromResult<ConnectionContext>(near)
            : throw new SocketException((int)SocketError.ConnectionRefused);
    }

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = new Listener(this, endpoint);
        return _listeners.TryAdd(endpoint, listener)
            ? ValueTask.FromResult<IConnectionListener>(listener)
            : throw new AddressInUseException($"{endpoint} is in use.");
    }

    private static bool IsTransport(ServiceDescriptor service) =>
        service.IsKeyedService && (service.ServiceType == typeof(IConnectionFactory) || service.ServiceType == typeof(IConnectionListenerFactory));

    private sealed class Listener(EmbeddedNetwork network, EndPoint endpoint) : IConnectionListener
    {
        public Channel<ConnectionContext> Accepted { get; } = Channel.CreateUnbounded<ConnectionContext>();

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await Accepted.Reader.WaitToReadAsync(cancellationToken) && Accepted.Reader.TryRead(out ConnectionContext? connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            network._listeners.TryRemove(endpoint, out _);
            Accepted.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}

/// <summary>One end of a connection in memory. What ends the one ends the other.</summary>
internal sealed class EmbeddedConnection : ConnectionContext
{
    /// <summary>Bytes on their way at which a sender waits: a batch of tokens passes at once.</summary>
    private const int Window = 1 << 20;

    private readonly CancellationTokenSource _closed;

    private EmbeddedConnection(string id, EndPoint endpoint, PipeReader input, PipeWriter output, CancellationTokenSource closed)
    {
        (ConnectionId, LocalEndPoint, RemoteEndPoint, _closed) = (id, endpoint, endpoint, closed);
        Transport = new Ends(input, output);
        ConnectionClosed = closed.Token;
    }

    /// <inheritdoc/>
    public override string ConnectionId { get; set; }

    /// <inheritdoc/>
    public override IFeatureCollection Features { get; } = new FeatureCollection();

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    /// <inheritdoc/>
    public override IDuplexPipe Transport { get; set; }

    /// <summary>Both ends of a new connection to an endpoint.</summary>
    public static (EmbeddedConnection Near, EmbeddedConnection Far) Pair(EndPoint endpoint)
    {
        var options = new PipeOptions(pauseWriterThreshold: Window, resumeWriterThreshold: Window / 2, useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        var closed = new CancellationTokenSource();
        string id = Guid.NewGuid().ToString("N");
        return (new(id, endpoint, back.Reader, there.Writer, closed), new(id, endpoint, there.Reader, back.Writer, closed));
    }

    /// <summary>Ends the connection at both ends, elsewhere: whoever aborts holds locks of its own.</summary>
    public override void Abort(ConnectionAbortedException abortReason) =>
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        Abort();
        await Transport.Input.CompleteAsync();
        await Transport.Output.CompleteAsync();
        await base.DisposeAsync();
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
