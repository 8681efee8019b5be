using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MoEActors.Client.Connections;
using StackExchange.Redis;

namespace MoEActors.Silo.Clustering;

/// <summary>Asks Redis, before the silo starts, whether it is there and whether it keeps what it is given.</summary>
internal sealed class RedisCheck(IOptions<MoEClusterOptions> options, ILogger<RedisCheck> log) : IHostedLifecycleService
{
    /// <inheritdoc />
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        RedisAddress address = MoEClusteringExtensions.RedisOf(options.Value);
        RedisSettings settings = await ReadAsync(address, cancellationToken);
        if (settings.Refusal is { } refusal)
        {
            throw new ClusterStartException($"Redis at {address} {refusal}");
        }

        foreach (string warning in settings.Warnings)
        {
            ClusterLog.RedisForgets(log, address, warning);
        }
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What a server says of itself.</summary>
    /// <exception cref="ClusterStartException">It does not answer.</exception>
    internal static async Task<RedisSettings> ReadAsync(RedisAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync(address.Options).WaitAsync(cancellationToken);
            IDatabase database = redis.GetDatabase();
            await database.PingAsync();
            return new RedisSettings(
                await SettingAsync(database, "appendonly"),
                await SettingAsync(database, "appendfsync"),
                await SettingAsync(database, "maxmemory-policy"),
                await SettingAsync(database, "maxmemory"));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw new ClusterStartException(
                $"Redis at {address} does not answer as it should: {e.Message} Check that it runs, that it can be reached from here, and user and password.", e);
        }
    }

    /// <summary>A setting; null where the server does not have it, or does not tell, as services in a cloud do.</summary>
    private static async Task<string?> SettingAsync(IDatabase database, string name)
    {
        try
        {
            RedisResult answer = await database.ExecuteAsync("CONFIG", "GET", name);
            return answer.Length >= 2 ? (string?)answer[1] : null;
        }
        catch (RedisServerException)
        {
            return null;
        }
    }
}

/// <summary>What a Redis server says of how it keeps things; null for what it does not say.</summary>
/// <param name="AppendOnly">Whether writes are appended to a file.</param>
/// <param name="AppendSync">When that file is brought to the disk.</param>
/// <param name="Eviction">What goes when memory is full.</param>
/// <param name="MaximumMemory">Bytes of memory; 0 for no limit.</param>
internal sealed record RedisSettings(string? AppendOnly, string? AppendSync, string? Eviction, string? MaximumMemory)
{
    /// <summary>Why no cluster can rest on the server; null when one can.</summary>
    public string? Refusal => Eviction is not (null or "noeviction") && MaximumMemory is not (null or "0")
        ? $"throws away runs and members when its memory is full (maxmemory-policy {Eviction}, maxmemory {MaximumMemory}). Set maxmemory-policy to noeviction."
        : null;

    /// <summary>What may be lost.</summary>
    public IEnumerable<string> Warnings
    {
        get
        {
            if (AppendOnly == "no")
            {
                yield return "everything since its last snapshot, or all of it without any, is lost when it dies (appendonly no). Set appendonly yes and appendfsync always.";
            }
            else if (AppendOnly is null)
            {
                yield return "it does not say whether it keeps what it is given; make sure of appendonly yes, appendfsync always and maxmemory-policy noeviction.";
            }
            else if (AppendSync == "everysec")
            {
                yield return "up to two seconds of acknowledged steps are lost when its machine dies (appendfsync everysec). Set appendfsync always.";
            }
            else if (AppendSync == "no")
            {
                yield return "what the system has not yet written, as a rule half a minute, is lost when its machine dies (appendfsync no). Set appendfsync always.";
            }

            if (Eviction is not (null or "noeviction") && Refusal is null)
            {
                yield return $"as soon as its memory is limited, it throws away runs and members (maxmemory-policy {Eviction}). Set maxmemory-policy to noeviction.";
            }
        }
    }
}
