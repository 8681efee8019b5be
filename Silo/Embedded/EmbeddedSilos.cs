using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MoEActors.Silo.Clustering;
using Orleans.Configuration;
using Orleans.Messaging;

namespace MoEActors.Silo.Embedded;

/// <summary>
/// A cluster of silos inside this process, which share a membership table and communicate in memory. Each silo has a host of its own, so
/// that one can be stopped or killed while the others live.
/// </summary>
public sealed class EmbeddedSilos : IAsyncDisposable
{
    /// <summary>
    /// How long a silo has to stop when all of them end. Once in some two hundred times the last one of Orleans 10.4.2 waits for its own migration manager
    /// until the host's limit, which is half a minute.
    /// </summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(3);

    private readonly EmbeddedSilosOptions _options;
    private readonly Lock _lock = new();
    private readonly EmbeddedMembershipTable _table = new();
    private readonly EmbeddedNetwork _network = new();
    private readonly List<EmbeddedSilo> _silos = [];
    private readonly HashSet<SiloAddress> _lost = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _burials = [];
    private IHost? _clientHost;
    private int _next;

    private EmbeddedSilos(EmbeddedSilosOptions options) => _options = options;

    /// <summary>Calls grains from outside of the silos; no silo's death takes it away.</summary>
    public IClusterClient Client => _clientHost?.Services.GetRequiredService<IClusterClient>()
        ?? throw new InvalidOperationException("The client is not connected.");

    /// <summary>The silos that run, in the order of their indices.</summary>
    public IReadOnlyList<EmbeddedSilo> Silos
    {
        get
        {
            lock (_lock)
            {
                return [.. _silos.OrderBy(silo => silo.Index)];
            }
        }
    }

    /// <summary>Starts a cluster. When this returns, every silo knows every other.</summary>
    public static async Task<EmbeddedSilos> StartAsync(EmbeddedSilosOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Count, 1, nameof(options));
        var cluster = new EmbeddedSilos(options);
        try
        {
            await cluster.AddAsync(cancellationToken);
            await Task.WhenAll(Enumerable.Range(1, options.Count - 1).Select(_ => cluster.AddAsync(cancellationToken)));
            await cluster.ConnectClientAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.AbandonAsync();
            throw;
        }
    }

    /// <summary>Starts one more silo. When this returns, every silo knows it.</summary>
    public Task<EmbeddedSilo> AddAsync(CancellationToken cancellationToken = default) =>
        StartSiloAsync(Interlocked.Increment(ref _next) - 1, cancellationToken);

    /// <summary>Starts a silo again that was stopped or killed: same index and name, new address.</summary>
    public Task<EmbeddedSilo> RestartAsync(int index, CancellationToken cancellationToken = default) =>
        index >= 0 && index < _next && Silos.All(silo => silo.Index != index)
            ? StartSiloAsync(index, cancellationToken)
            : throw new InvalidOperationException($"{EmbeddedSilo.NameOf(index)} cannot be started again: it runs, or never did.");

    /// <summary>Stops a silo gracefully. When this returns, it is gone and the others know it.</summary>
    public async Task StopAsync(EmbeddedSilo silo, CancellationToken cancellationToken = default)
    {
        Remove(silo);
        await silo.Host.StopAsync(cancellationToken);
        await EveryoneSeesAsync(silo.Address, SiloStatus.Dead, cancellationToken);
        await DisposeHostAsync(silo.Host);
    }

    /// <summary>Ends a silo as a crash does: the silo can be reached no more, and reaches nobody. When this returns, the others know that it is dead.</summary>
    internal Task KillAsync(EmbeddedSilo silo, CancellationToken cancellationToken = default) => KillAsync([silo], cancellationToken);

    /// <summary>As above, several silos at once.</summary>
    internal async Task KillAsync(IReadOnlyList<EmbeddedSilo> silos, CancellationToken cancellationToken = default)
    {
        foreach (EmbeddedSilo silo in silos)
        {
            Remove(silo);
        }

        await BuryAsync(silos, cancellationToken);
    }

    /// <summary>A silo cannot go on: it ends as soon as it is one of several.</summary>
    private Task EndAsync(SiloAddress address)
    {
        lock (_lock)
        {
            _lost.Add(address);
        }

        return EndLostAsync();
    }

    private Task EndLostAsync()
    {
        lock (_lock)
        {
            while (_silos.Count > 1 && _silos.Find(silo => _lost.Contains(silo.Address)) is { } silo)
            {
                _lost.Remove(silo.Address);
                _silos.Remove(silo);
                _burials.Add(Task.Run(() => BuryAsync([silo], _ending.Token)));
            }

            return Task.WhenAll(_burials);
        }
    }

    private async Task BuryAsync(IReadOnlyList<EmbeddedSilo> silos, CancellationToken cancellationToken)
    {
        foreach (EmbeddedSilo silo in silos)
        {
            silo.Services.GetRequiredService<SiloMembershipTable>().CutOff();
            silo.Services.GetRequiredService<SiloNetwork>().Cut();
        }

        try
        {
            await Task.WhenAll(silos.Select(silo => EveryoneSeesAsync(silo.Address, SiloStatus.Dead, cancellationToken)));
        }
        finally
        {
            foreach (EmbeddedSilo silo in silos)
            {
                // It reaches no other silo any more; it ends the threads of the host's other services.
                await silo.Host.StopAsync(new CancellationToken(canceled: true));
                await DisposeHostAsync(silo.Host);
            }
        }
    }

    /// <summary>Stops everything.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_clientHost is { } client)
        {
            _clientHost = null;
            await client.StopAsync();
            await DisposeHostAsync(client);
        }

        foreach (EmbeddedSilo silo in Silos.Reverse())
        {
            Remove(silo);
            using var limit = new CancellationTokenSource(EndLimit);
            await silo.Host.StopAsync(limit.Token);
            await DisposeHostAsync(silo.Host);
        }

        Task[] burials;
        lock (_lock)
        {
            burials = [.. _burials];
        }

        // Nobody is left to notice what they wait for.
        await _ending.CancelAsync();
        await Task.WhenAll(burials).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends what has started of a cluster that was given up: nobody uses it, and whoever gave it up does not want to wait.</summary>
    private async Task AbandonAsync()
    {
        await Task.WhenAll(Silos.Select(async silo =>
        {
            Remove(silo);
            try
            {
                await silo.Host.StopAsync(new CancellationToken(canceled: true));
            }
            catch (Exception e) when (e is OperationCanceledException or AggregateException)
            {
                // What is left of it ends with its host.
            }

            await DisposeHostAsync(silo.Host);
        }));
        await DisposeAsync();
    }

    private static ValueTask DisposeHostAsync(IHost host) => ((IAsyncDisposable)host).DisposeAsync();

    private async Task<EmbeddedSilo> StartSiloAsync(int index, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = CreateBuilder();
        builder.UseOrleans(silo =>
        {
            Join(silo, index);
            _options.Configure?.Invoke(index, builder, silo);
        });
        IHost host = builder.Build();
        EmbeddedSilo silo;
        try
        {
            await host.StartAsync(cancellationToken);
            silo = new EmbeddedSilo(index, host);
        }
        catch
        {
            await DisposeHostAsync(host);
            throw;
        }

        lock (_lock)
        {
            _silos.Add(silo);
        }

        foreach (EmbeddedSilo other in Silos)
        {
            await SeesAsync(silo, other.Address, SiloStatus.Active, cancellationToken);
            await SeesAsync(other, silo.Address, SiloStatus.Active, cancellationToken);
        }

        _ = EndLostAsync();
        return silo;
    }

    private void Remove(EmbeddedSilo silo)
    {
        lock (_lock)
        {
            if (!_silos.Remove(silo))
            {
                throw new InvalidOperationException($"{silo} does not run.");
            }
        }
    }

    private Task EveryoneSeesAsync(SiloAddress address, SiloStatus status, CancellationToken cancellationToken) =>
        Task.WhenAll(Silos.Select(silo => SeesAsync(silo, address, status, cancellationToken)));

    private async Task SeesAsync(EmbeddedSilo silo, SiloAddress address, SiloStatus status, CancellationToken cancellationToken)
    {
        using var watch = new SiloStatusWatch(silo.Oracle, address, status);
        try
        {
            await watch.Seen.WaitAsync(_options.NoticeTimeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"{silo} did not notice within {_options.NoticeTimeout} that {address} is {status}; it takes it for {silo.Oracle.GetApproximateSiloStatus(address)}.");
        }
    }

    private void Join(ISiloBuilder silo, int index)
    {
        IPEndPoint endpoint = _network.NextEndpoint();
        silo.ConfigureEndpoints(endpoint.Address, endpoint.Port, _network.NextEndpoint().Port);
        _network.Replace(silo.Services);
        silo.Configure<SiloOptions>(options => options.SiloName = EmbeddedSilo.NameOf(index));
        silo.Configure<ClusterOptions>(Identify);
        var network = new SiloNetwork();
        silo.Configure<SiloConnectionOptions>(options =>
        {
            options.ConfigureSiloInboundConnection(connection => connection.Use(network.Watch));
            options.ConfigureSiloOutboundConnection(connection => connection.Use(network.Watch));
            options.ConfigureGatewayInboundConnection(connection => connection.Use(network.Watch));
        });
        silo.Services.AddSingleton(network);
        silo.Services.AddSingleton(new SharedProcess(EndAsync));
        silo.Services.AddSingleton(new SiloMembershipTable(_table));
        silo.Services.AddSingleton<IMembershipTable>(services => services.GetRequiredService<SiloMembershipTable>());
    }

    private async Task ConnectClientAsync(CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = CreateBuilder();
        builder.UseOrleansClient(client =>
        {
            _network.Replace(client.Services);
            client.Services.Configure<ClusterOptions>(Identify);
            client.Services.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = _options.ClientResponseTimeout);
            client.Services.Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromMilliseconds(200));
            client.Services.AddSingleton<IGatewayListProvider>(new EmbeddedGateways(_table));
        });
        _clientHost = builder.Build();
        await _clientHost.StartAsync(cancellationToken);
    }

    private static HostApplicationBuilder CreateBuilder()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        return builder;
    }

    private static void Identify(ClusterOptions options) => (options.ClusterId, options.ServiceId) = ("embedded", "embedded");
}

/// <summary>What the silos of a cluster inside this process are like.</summary>
public sealed record EmbeddedSilosOptions
{
    /// <summary>How many silos to start with.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Called for every silo with its index, before its host is built. A silo that is started again is configured again.</summary>
    public Action<int, IHostApplicationBuilder, ISiloBuilder>? Configure { get; init; }

    /// <summary>How long callers outside of the silos wait for an answer.</summary>
    public TimeSpan ClientResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait until every silo has noticed that another came or went.</summary>
    public TimeSpan NoticeTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
