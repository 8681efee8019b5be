using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace MoEActors.Silo.Clustering;

/// <summary>
/// Keeps a silo from starting on ports that others listen on. Orleans sets SO_REUSEPORT: a second silo would start on the ports of the first, and each of them
/// get some of the connections.
/// </summary>
internal sealed class PortGuard(IOptions<EndpointOptions> options, ILocalSiloDetails self, IServiceProvider services) : ILifecycleParticipant<ISiloLifecycle>
{
    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle)
    {
        // Silos that share a process connect in memory.
        if (services.GetService<SharedProcess>() is null)
        {
            lifecycle.Subscribe(nameof(PortGuard), ServiceLifecycleStage.First, Check, _ => Task.CompletedTask);
        }
    }

    private Task Check(CancellationToken cancellation)
    {
        string[] problems =
        [
            .. Endpoints().Select(one => (one.Setting, one.Endpoint, Problem: FreePorts.Problem(one.Endpoint)))
                .Where(one => one.Problem is not null)
                .Select(one => $"{one.Endpoint} {one.Problem} ({nameof(EndpointOptions)}.{one.Setting})."),
        ];
        return problems.Length == 0
            ? Task.CompletedTask
            : throw new ClusterStartException($"Silo {self.Name} cannot start: {string.Join(' ', problems)} Silos of one machine need ports of their own.");
    }

    private IEnumerable<(string Setting, IPEndPoint Endpoint)> Endpoints()
    {
        EndpointOptions endpoints = options.Value;
        IPAddress address = endpoints.AdvertisedIPAddress ?? self.SiloAddress.Endpoint.Address;
        yield return (nameof(EndpointOptions.SiloPort), endpoints.SiloListeningEndpoint ?? new IPEndPoint(address, endpoints.SiloPort));
        if (endpoints.GatewayPort > 0)
        {
            yield return (nameof(EndpointOptions.GatewayPort), endpoints.GatewayListeningEndpoint ?? new IPEndPoint(address, endpoints.GatewayPort));
        }
    }
}
