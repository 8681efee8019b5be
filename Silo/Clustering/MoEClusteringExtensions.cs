using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MoEActors.Client.Configuration;
using MoEActors.Client.Connections;
using MoEActors.Grains.Pinning;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using Orleans.Storage;

namespace MoEActors.Silo.Clustering;

/// <summary>Makes a silo a member of a cluster.</summary>
public static class MoEClusteringExtensions
{
    /// <summary>Name of the grain storage that keeps runs. A host that registers one of this name has that one, whatever it is.</summary>
    public const string Storage = "moe";

    /// <summary>
    /// Lets the silo meet others in Redis, keeps runs there unless the host has a grain storage named <see cref="Storage"/>, lets rows travel to them over TCP, sets its name and endpoints, and guards
    /// its connections with the cluster's secret. When it starts, Redis is asked whether it keeps what it is given. Use it beside
    /// <see cref="Hosting.MoESiloBuilderExtensions.AddMoE"/>.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="configure">Sets options, over those of the host's configuration.</param>
    public static ISiloBuilder UseMoECluster(this ISiloBuilder silo, Action<MoEClusterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(silo);
        OptionsBuilder<MoEClusterOptions> options = silo.Services.AddOptions<MoEClusterOptions>()
            .BindWhole(MoEClusterOptions.Section);
        if (configure is not null)
        {
            options.Configure(configure);
        }

        silo.Services.AddSingleton<IValidateOptions<MoEClusterOptions>, MoEClusterOptionsValidator>();
        silo.UseRedisClustering(_ => { });
        Configure<RedisClusteringOptions>((clustering, chosen) => clustering.ConfigurationOptions = RedisOf(chosen).Options);
        silo.Services.AddOptions<TcpOptions>().BindWhole(TcpOptions.Section).Configure<IOptions<MoEClusterOptions>>(Apply);
        silo.Services.AddSingleton<IValidateOptions<TcpOptions>, TcpOptionsValidator>();
        silo.Services.AddSingleton(services => new TcpCommunicatorProvider(
            services.GetRequiredService<IOptions<TcpOptions>>().Value, time: null, services.GetRequiredService<ILogger<TcpCommunicatorProvider>>()));
        if (!silo.Services.Any(service => service.ServiceType == typeof(IGrainStorage) && Storage.Equals(service.ServiceKey)))
        {
            silo.AddRedisGrainStorage(Storage, storage => storage.Configure<IServiceProvider>((redis, services) =>
            {
                redis.ConfigurationOptions = RedisOf(Chosen(services)).Options;
                redis.GrainStorageSerializer = ActivatorUtilities.CreateInstance<OrleansGrainStorageSerializer>(services);
                redis.DeleteStateOnClear = true;
            }));
        }

        Configure<ClusterOptions>((cluster, chosen) => (cluster.ClusterId, cluster.ServiceId) = (chosen.ClusterId, chosen.ServiceId));
        Configure<SiloOptions>((named, chosen) => named.SiloName = chosen.Name);
        Configure<EndpointOptions>((endpoints, chosen) =>
        {
            endpoints.AdvertisedIPAddress = chosen.AdvertisedAddress();
            (endpoints.SiloPort, endpoints.GatewayPort) = (chosen.SiloPort, chosen.GatewayPort);
            IPAddress listening = chosen.ListeningAddress();
            endpoints.SiloListeningEndpoint = new IPEndPoint(listening, chosen.ListenSiloPort ?? chosen.SiloPort);
            endpoints.GatewayListeningEndpoint = new IPEndPoint(listening, chosen.ListenGatewayPort ?? chosen.GatewayPort);
        });
        silo.Services.AddSingleton<ClusterGates>();
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<IServiceProvider>(Guard);
        silo.Services.AddSingleton<IHostedService, RedisCheck>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, JoinGuard>();
        return silo;

        void Configure<T>(Action<T, MoEClusterOptions> set)
            where T : class => silo.Services.AddOptions<T>().Configure<IOptions<MoEClusterOptions>>((target, chosen) => set(target, chosen.Value));
    }

    /// <summary>What every silo of ours needs of Orleans, however it meets others.</summary>
    internal static ISiloBuilder TuneForMoE(this ISiloBuilder silo)
    {
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromMilliseconds(500);
            membership.MaxProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 2;
            membership.NumVotesForDeathDeclaration = 1;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(2);
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        });

        // With the default directory, a silo that leaves takes healthy grains of the others with it. Ours is named, so that a host's own grains keep
        // the directory that the host has chosen. The lease is the whole silo's: with its default, grains of a dead silo come back after 27 s.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory(MoEGrainDirectory.Name);
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero);
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ProcessPrivateGuard>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, PortGuard>();
        return silo;
    }

    internal static RedisAddress RedisOf(MoEClusterOptions options) => RedisAddress.Parse(options.Redis!, options.RedisPassword);

    private static void Apply(TcpOptions plane, IOptions<MoEClusterOptions> chosen)
    {
        try
        {
            chosen.Value.Apply(plane);
        }
        catch (OptionsValidationException)
        {
            // What is wrong with those is told once, by themselves.
        }
    }

    private static MoEClusterOptions Chosen(IServiceProvider services) => services.GetRequiredService<IOptions<MoEClusterOptions>>().Value;

    private static void Guard(SiloConnectionOptions connections, IServiceProvider services)
    {
        MoEClusterOptions chosen = Chosen(services);
        if (chosen.Secret is null)
        {
            return;
        }

        var guard = new ConnectionGuard(
            new SecretHandshake(ClusterSecret.From(chosen.Secret), chosen.ClusterId), services.GetRequiredService<ILoggerFactory>().CreateLogger("MoEActors.Silo.Clustering.Connections"));
        ClusterGates gates = services.GetRequiredService<ClusterGates>();
        connections.ConfigureSiloInboundConnection(connection => connection.Use(guard.Accepting(ConnectionRole.Silo, Self, gates.Silos)));
        connections.ConfigureSiloOutboundConnection(connection => connection.Use(guard.Dialing(ConnectionRole.Silo, Self)));
        connections.ConfigureGatewayInboundConnection(connection => connection.Use(guard.Accepting(ConnectionRole.Client, self: null, gates.Clients)));

        EndPoint Self() => services.GetRequiredService<ILocalSiloDetails>().SiloAddress.Endpoint;
    }
}

/// <summary>Checks <see cref="TcpOptions"/> when a silo's host starts.</summary>
internal sealed class TcpOptionsValidator : IValidateOptions<TcpOptions>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, TcpOptions options)
    {
        string[] errors = [.. options.Errors().Select(error => $"{TcpOptions.Section}:{error.Property} {error.Error}.")];
        return errors.Length > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}

/// <summary>What a silo's endpoints have refused because the cluster's secret was not proven.</summary>
public sealed class ClusterGates
{
    /// <summary>Refused connections of would-be silos.</summary>
    public ConnectionRefusals Silos { get; } = new("silo");

    /// <summary>Refused connections of would-be clients.</summary>
    public ConnectionRefusals Clients { get; } = new("gateway");
}
