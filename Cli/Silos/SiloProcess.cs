using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Telemetry;
using MoEActors.Client;
using MoEActors.Silo.Clustering;

namespace MoEActors.Cli.Silos;

/// <summary>The life of a silo that is a process of its own.</summary>
internal static class SiloProcess
{
    /// <summary>How long a silo may take to finish what it does and to leave its cluster.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(8);

    /// <summary>Runs until it is asked to end.</summary>
    /// <param name="settings">What the silo was told.</param>
    /// <param name="parentGone">Cancelled when whoever started this process has ended.</param>
    /// <param name="cancellation">Asks it to end.</param>
    /// <returns>Whether it was asked to end and has left its cluster; if not, it could not go on, or had to be cut short.</returns>
    /// <exception cref="ClusterStartException">It cannot start.</exception>
    public static async Task<bool> RunAsync(SiloSettings settings, CancellationToken parentGone, CancellationToken cancellation)
    {
        RequirePorts(settings);
        MoEClusterOptions cluster = settings.Cluster();
        await using WebApplication host = SiloHost.Build(settings);
        ILogger log = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("MoEActors.Silo");
        using var unsent = new ExportWatch(reason => SiloLog.NotExported(log, settings.Name, reason), TimeProvider.System);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, parentGone, host.Lifetime.ApplicationStopping);
        try
        {
            await host.StartAsync(ended.Token);
        }
        catch
        {
            await AbandonAsync(host);
            throw;
        }

        SiloLog.Active(log, settings.Name, cluster.ClusterId, $"{cluster.Address}:{cluster.SiloPort}", cluster.GatewayPort, settings.HealthPort);
        await using (BackgroundDashboard.Begin(
            settings.Dashboard, host.Services.GetRequiredService<MoECluster>(), line => SiloLog.Dashboard(log, settings.Name, line),
            reason => SiloLog.NoDashboard(log, settings.Name, reason), new HostLog(host.Services.GetRequiredService<ILoggerFactory>())))
        {
            await Task.Delay(Timeout.Infinite, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        bool wasAsked = cancellation.IsCancellationRequested || parentGone.IsCancellationRequested;
        SiloLog.Leaving(
            log, settings.Name, cancellation.IsCancellationRequested ? "it was asked to" : wasAsked ? "whoever started it has ended, or asks it to" : "it cannot go on");
        bool hasLeft = await StopAsync(host, log, settings.Name);
        if (hasLeft)
        {
            SiloLog.Left(log, settings.Name);
        }

        return wasAsked && hasLeft;
    }

    /// <summary>Stops what has started of a host that has not. Orleans refuses to stop a silo that does not run, and what kept it from that is what matters.</summary>
    private static async Task AbandonAsync(WebApplication host)
    {
        try
        {
            using var limit = new CancellationTokenSource(DrainLimit);
            await host.StopAsync(limit.Token);
        }
        catch (Exception e) when (e is InvalidOperationException or OperationCanceledException or AggregateException)
        {
        }
    }

    private static async Task<bool> StopAsync(WebApplication host, ILogger log, string name)
    {
        using var limit = new CancellationTokenSource(DrainLimit);
        try
        {
            await host.StopAsync(limit.Token);
            return true;
        }
        catch (Exception e) when (limit.IsCancellationRequested && e is OperationCanceledException or AggregateException)
        {
            SiloLog.LeftInHaste(log, name, DrainLimit.TotalSeconds);
            return false;
        }
    }

    /// <summary>Orleans would say that an address is in use, and not which.</summary>
    private static void RequirePorts(SiloSettings settings)
    {
        string[] problems =
        [
            .. SiloHost.Endpoints(settings).Select(one => (one.Value, one.Endpoint, Problem: FreePorts.Problem(one.Endpoint)))
                .Where(one => one.Problem is not null)
                .Select(one => $"{one.Endpoint} {one.Problem}; choose another with {SiloValue.Of(one.Value).Option}."),
        ];
        if (problems.Length > 0)
        {
            throw new ClusterStartException(string.Join(' ', problems));
        }
    }
}
