using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Messaging;

namespace MoEActors.Silo.Embedded;

/// <summary>On Orleans: silos that share a membership table in memory and talk over loopback.</summary>
public sealed partial class EmbeddedSilos
{
    /// <summary>The actor runtime that this was built with.</summary>
    public const string RuntimeName = "orleans";

    private readonly EmbeddedMembershipTable _table = new();
    private IHost? _clientHost;

    /// <summary>Calls grains from outside of the silos; no silo's death takes it away.</summary>
    public IClusterClient Client => _clientHost?.Services.GetRequiredService<IClusterClient>()
        ?? throw new InvalidOperationException("The client is not connected.");

    private void Join(ISiloBuilder silo, int index)
    {
        (int siloPort, int gatewayPort) = FreePorts();
        silo.ConfigureEndpoints(IPAddress.Loopback, siloPort, gatewayPort);
        silo.Configure<SiloOptions>(options => options.SiloName = EmbeddedSilo.NameOf(index));
        silo.Configure<ClusterOptions>(Identify);
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = TimeSpan.FromMilliseconds(500);
            options.NumMissedProbesLimit = 2;
            options.NumVotesForDeathDeclaration = 1;
            options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
        });
        var network = new SiloNetwork();
        silo.Configure<SiloConnectionOptions>(options =>
        {
            options.ConfigureSiloInboundConnection(connection => connection.Use(network.Watch));
            options.ConfigureSiloOutboundConnection(connection => connection.Use(network.Watch));
            options.ConfigureGatewayInboundConnection(connection => connection.Use(network.Watch));
        });
        silo.Services.AddSingleton(network);
        silo.Services.AddSingleton(new SiloMembershipTable(_table));
        silo.Services.AddSingleton<IMembershipTable>(services => services.GetRequiredService<SiloMembershipTable>());

        // With the default directory, a silo that leaves takes healthy grains of the others with it.
#pragma warning disable ORLEANSEXP003
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(options => options.RangeLeaseDuration = TimeSpan.Zero);
    }

    private static void Crash(EmbeddedSilo silo)
    {
        silo.Services.GetRequiredService<SiloMembershipTable>().CutOff();
        silo.Services.GetRequiredService<SiloNetwork>().Cut();
    }

    private async Task ConnectClientAsync(CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleansClient(client =>
        {
            client.Services.Configure<ClusterOptions>(Identify);
            client.Services.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = _options.ClientResponseTimeout);
            client.Services.Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromMilliseconds(200));
            client.Services.AddSingleton<IGatewayListProvider>(new EmbeddedGateways(_table));
        });
        _clientHost = builder.Build();
        await _clientHost.StartAsync(cancellationToken);
    }

    private async Task DisconnectClientAsync()
    {
        if (_clientHost is not null)
        {
            await _clientHost.StopAsync();
            await DisposeHostAsync(_clientHost);
            _clientHost = null;
        }
    }

    private static void Identify(ClusterOptions options)
    {
        options.ClusterId = "embedded";
        options.ServiceId = "embedded";
    }

    private static (int Silo, int Gateway) FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }
}
