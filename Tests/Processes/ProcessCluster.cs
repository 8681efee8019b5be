using MoEActors.Client;
using MoEActors.Client.Connections;

namespace MoEActors.Tests.Processes;

/// <summary>
/// A cluster of two silos, each a process, which tests use one after the other: to start a process takes longer than most of what is asked of it. Silos
/// that die or are refused are started beside them.
/// </summary>
public sealed class ProcessCluster : IAsyncLifetime
{
    private const int MostTries = 3;

    private RedisServer? _redis;
    private SiloProcess[] _silos = [];

    internal RedisServer Redis => _redis!;

    /// <summary>What the silos send to a collector.</summary>
    internal ReceivedSpans Spans { get; } = new();

    internal SiloProcess One => _silos[0];

    internal SiloProcess Two => _silos[1];

    /// <summary>The dashboard that the second serves.</summary>
    internal Uri Dashboard { get; private set; } = null!;

    /// <summary>How a client finds it through Redis.</summary>
    internal ConnectOptions ByRedis => new() { Redis = Redis.Address, Secret = MoeProcess.Secret };

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync(RedisServer.Garnet);
        foreach (string name in new[] { "one", "two" })
        {
            _silos = [.. _silos, await StartAsync(name)];
        }

        // What a process has said is found once.
        Dashboard = new Uri($"{(await Two.Process.SaysAsync("serves the dashboard: (http://[0-9.]+:[0-9]+)")).Groups[1].Value}/");
    }

    public ValueTask DisposeAsync()
    {
        Array.ForEach(_silos, silo => silo.Dispose());
        _redis?.Dispose();
        Spans.Dispose();
        return ValueTask.CompletedTask;
    }

    internal Task<MoECluster> ConnectAsync() => MoECluster.ConnectAsync(ByRedis, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Starts a silo, again if it ends at once, as whatever keeps silos running would: on a machine that is busy, one may be taken for dead while it starts.</summary>
    private async Task<SiloProcess> StartAsync(string name)
    {
        for (int tries = 1; ; tries++)
        {
            SiloProcess silo = MoeProcess.StartSilo(
                Redis.Address, name, new Dictionary<string, string>(Spans.Environment) { ["MOE_SECRET"] = MoeProcess.Secret });
            if (tries == MostTries)
            {
                return await silo.IsActiveAsync();
            }

            if (await silo.TryBecomeActiveAsync())
            {
                return silo;
            }

            silo.Dispose();
        }
    }
}

/// <summary>The tests that use it, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class ProcessClusterTests : ICollectionFixture<ProcessCluster>
{
    public const string Name = "processes";
}

/// <summary>A store of the Redis protocol for clusters of one class of tests, each of a name of its own.</summary>
public sealed class Store : IAsyncLifetime
{
    private RedisServer? _redis;

    internal RedisServer Redis => _redis!;

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync(RedisServer.Garnet);

    public ValueTask DisposeAsync()
    {
        _redis?.Dispose();
        return ValueTask.CompletedTask;
    }
}
