using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Client;
using MoEActors.Dashboard.Hosting;
using Orleans.Dashboard;

namespace MoEActors.Cli.Dashboards;

/// <summary>Orleans' own dashboard: grains, their calls, and what silos measure of themselves. Its live log stays off, as it has what is logged of every host.</summary>
internal static class OrleansDashboard
{
    private const int MostTries = 60;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Has a silo keep what it shows. All silos of a cluster do, or none.</summary>
    public static void Keep(ISiloBuilder silo) => silo.AddDashboard(options => options.HideTrace = true);

    /// <summary>Adds what serves it.</summary>
    /// <param name="services">Services of the host, which have the cluster's grain factory.</param>
    /// <param name="configuration">The host's configuration.</param>
    public static void AddPage(IServiceCollection services, IConfiguration configuration) => new ClientOfAnother(services, configuration).AddDashboard(options => options.HideTrace = true);

    /// <summary>
    /// Asks for it until it shows all silos. The grain that gathers what they say comes when it is called first, and asks them only then: whoever looked first would wait, and see none.
    /// </summary>
    /// <param name="page">Where the dashboard beside it is.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="ending">Stops asking.</param>
    public static async Task WarmAsync(Uri page, MoECluster cluster, CancellationToken ending)
    {
        using var client = new HttpClient { BaseAddress = page, Timeout = Patience };
        for (int tries = 0; tries < MostTries && !ending.IsCancellationRequested; tries++)
        {
            try
            {
                using JsonDocument counters = JsonDocument.Parse(await client.GetStringAsync($"{MoEDashboardExtensions.OrleansPath.TrimStart('/')}/DashboardCounters", ending));
                SiloSummary[] silos = await cluster.ListSilosAsync(ending);
                if (counters.RootElement.GetProperty("hosts").GetArrayLength() >= silos.Count(silo => silo.State == SiloState.Active))
                {
                    return;
                }
            }
            catch (Exception) when (!ending.IsCancellationRequested)
            {
                // Not yet: it is asked again, and who looks meanwhile asks himself.
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Pause, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The host is no client of Orleans: it calls by one that there is already.</summary>
    private sealed class ClientOfAnother(IServiceCollection services, IConfiguration configuration) : IClientBuilder
    {
        /// <inheritdoc />
        public IServiceCollection Services => services;

        /// <inheritdoc />
        public IConfiguration Configuration => configuration;
    }
}
