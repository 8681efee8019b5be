using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace MoEActors.Client.Connections;

/// <summary>A connection to silos of other processes: an Orleans client in a host of its own, which finds the silos through Redis.</summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    private readonly IHost _host;

    private ClusterConnection(IHost host) => _host = host;

    /// <summary>Reaches the cluster's grains.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IClusterClient>();

    /// <summary>Connects.</summary>
    /// <exception cref="ConnectionFailedException">Redis does not answer, or no silo was found in time.</exception>
    public static async Task<ClusterConnection> OpenAsync(ConnectOptions options, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleansClient(client =>
        {
            client.UseRedisClustering(options.Redis);
            client.Services.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (options.ClusterId, options.ServiceId));
        });
        IHost host = builder.Build();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Deadline);
        try
        {
            await host.StartAsync(deadline.Token).WaitAsync(deadline.Token);
            return new ClusterConnection(host);
        }
        catch (Exception e)
        {
            host.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new ConnectionFailedException(
                $"No silo of cluster '{options.ClusterId}' (service '{options.ServiceId}') answered within {options.Deadline.TotalSeconds:0} s through Redis "
                + $"at '{options.Redis.Split(',')[0]}': {e.Message} Check that Redis and at least one silo run, and that both names are the silos'.",
                e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}

/// <summary>Which cluster to connect to.</summary>
public sealed record ConnectOptions
{
    /// <summary>The Redis server in which the cluster's silos meet, as in <c>redis.example:6379,password=...</c>.</summary>
    public required string Redis { get; init; }

    /// <summary>Name of the cluster: that of its silos.</summary>
    public string ClusterId { get; init; } = "moe";

    /// <summary>Name of the service: that of its silos.</summary>
    public string ServiceId { get; init; } = "moe";

    /// <summary>How long to look for a silo.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>No silo of the cluster could be reached.</summary>
public sealed class ConnectionFailedException(string message, Exception cause) : Exception(message, cause);
