using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Dashboard;

namespace MoEActors.Cli.Dashboards;

/// <summary>Orleans' own dashboard: grains, their calls, and what silos measure of themselves. Its live log stays off, as it has what is logged of every host.</summary>
internal static class OrleansDashboard
{
    /// <summary>Has a silo keep what it shows. All silos of a cluster do, or none.</summary>
    public static void Keep(ISiloBuilder silo) => silo.AddDashboard(options => options.HideTrace = true);

    /// <summary>Adds what serves it.</summary>
    /// <param name="services">Services of the host, which have the cluster's grain factory.</param>
    /// <param name="configuration">The host's configuration.</param>
    public static void AddPage(IServiceCollection services, IConfiguration configuration) => new ClientOfAnother(services, configuration).AddDashboard(options => options.HideTrace = true);

    /// <summary>The host is no client of Orleans: it calls by one that there is already.</summary>
    private sealed class ClientOfAnother(IServiceCollection services, IConfiguration configuration) : IClientBuilder
    {
        /// <inheritdoc />
        public IServiceCollection Services => services;

        /// <inheritdoc />
        public IConfiguration Configuration => configuration;
    }
}
