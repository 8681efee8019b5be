using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Native.Communication.Security;
using Orleans.Configuration;

namespace MoEActors.Client.Connections;

/// <summary>A connection to silos of other processes: an Orleans client in a host of its own.</summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    /// <summary>How long a call is waited for: one to a silo that dies is lost, and everything long is asked for in short slices.</summary>
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan GatewayRefresh = TimeSpan.FromSeconds(1);

    private readonly IHost _host;

    private ClusterConnection(IHost host) => _host = host;

    /// <summary>Reaches the cluster's grains.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    /// <summary>Connects.</summary>
    /// <exception cref="ArgumentException">The options name no cluster, or the secret is too short.</exception>
    /// <exception cref="ConnectionFailedException">Redis does not answer, or no silo was found in time.</exception>
    public static async Task<ClusterConnection> OpenAsync(ConnectOptions options, CancellationToken cancellationToken)
    {
        if (options.Redis is null == (options.Gateways.Count == 0))
        {
            throw new ArgumentException($"Either {nameof(options.Redis)} or {nameof(options.Gateways)} must say where the cluster is.", nameof(options));
        }

        HandshakeException? refused = null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bool isStarting = true;
        ConnectionGuard? guard = options.Secret is null ? null : new ConnectionGuard(
            new SecretHandshake(ClusterSecret.From(options.Secret), options.ClusterId), NullLogger.Instance)
        {
            Failed = e =>
            {
                refused = e;
                if (isStarting && e.Reason is ConnectionRefusal.Proof or ConnectionRefusal.Cluster or ConnectionRefusal.Version)
                {
                    // What is wrong with one silo is wrong with all, and stays so.
                    deadline.Cancel();
                }
            },
        };
        RedisAddress? redis = options.Redis is null ? null : RedisAddress.Parse(options.Redis, options.RedisPassword);
        deadline.CancelAfter(options.Deadline);
        IHost? host = null;
        try
        {
            IPEndPoint[] gateways = await options.GatewayEndpointsAsync(deadline.Token);
            host = Build(options, redis, gateways, guard);
            await host.StartAsync(deadline.Token).WaitAsync(deadline.Token);
            isStarting = false;
            return new ClusterConnection(host);
        }
        catch (Exception e)
        {
            isStarting = false;
            host?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            string cause = refused?.Message ?? (deadline.IsCancellationRequested ? $"{options.Deadline.TotalSeconds:0} s have passed." : e.Message);
            throw new ConnectionFailedException(
                $"No silo of cluster '{options.ClusterId}' (service '{options.ServiceId}') answers through {options.Place}: {cause} Check that at least one silo runs, that both names are the silos', and that the secret is theirs.",
                e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private static IHost Build(ConnectOptions options, RedisAddress? redis, IPEndPoint[] gateways, ConnectionGuard? guard)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.UseOrleansClient(client =>
        {
            if (redis is null)
            {
                client.UseStaticClustering(gateways);
            }
            else
            {
                client.UseRedisClustering(clustering => clustering.ConfigurationOptions = redis.Options);
            }

            client.Services.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (options.ClusterId, options.ServiceId));
            client.Services.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = ResponseTimeout);
            client.Services.Configure<GatewayOptions>(gateway => gateway.GatewayListRefreshPeriod = GatewayRefresh);
            var renewal = new GatewayRenewal();
            client.AddOutgoingGrainCallFilter(renewal);
            client.Services.Configure<ClientConnectionOptions>(connections => connections.ConfigureConnection(connection =>
            {
                connection.Use(renewal.Watch);
                if (guard is not null)
                {
                    connection.Use(guard.Dialing(ConnectionRole.Client));
                }
            }));
        });
        return builder.Build();
    }

    /// <summary>A connection ends when its owner says so, not on Ctrl-C, before its owner has heard of it.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
