using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Telemetry;
using MoEActors.Client;
using MoEActors.Grains.Protocol;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace MoEActors.Cli.Silos;

/// <summary>The host of a silo that is a process of its own: the silo, what it logs, and its health over HTTP.</summary>
internal static class SiloHost
{
    /// <summary>Whether the process is alive: not any more when others have declared the silo dead.</summary>
    public const string Live = "/health/live";

    /// <summary>Whether the silo is a member of its cluster.</summary>
    public const string Ready = "/health/ready";

    /// <summary>All that is checked, snapshots too.</summary>
    public const string All = "/health";

    /// <summary>What is measured, as Prometheus reads it.</summary>
    public const string Metrics = "/metrics";

    /// <summary>Makes the host.</summary>
    /// <exception cref="UsageException">Telemetry is to be sent to what is no address.</exception>
    public static WebApplication Build(SiloSettings settings)
    {
        // Nothing of the surroundings but what the settings have taken from them: no appsettings.json, no other environment.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        Log(builder.Logging, settings.Name, settings.File.LogLevel ?? LogLevel.Information);

        builder.UseOrleans(silo =>
        {
            silo.UseMoECluster(settings.Apply).AddMoE(settings.Apply);
            if (settings.Dashboard.HasOrleans)
            {
                OrleansDashboard.Keep(silo);
            }
        });
        builder.Services.AddMoEClient();
        builder.Services.AddHealthChecks().AddMoESilo();
        builder.Configuration.AddTelemetryVariables();
        builder.Services.AddOpenTelemetry().AddMoE(settings.Name, TelemetryExport.ToCollector()).WithMetrics(metrics => metrics.AddPrometheusExporter());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(Health(settings)));

        WebApplication host = builder.Build();
        host.UseRouting();
        host.MapHealthChecks(Live, Answers(MemberOnly, degraded: StatusCodes.Status200OK));
        host.MapHealthChecks(Ready, Answers(MemberOnly, degraded: StatusCodes.Status503ServiceUnavailable));
        host.MapHealthChecks(All, Answers(_ => true, degraded: StatusCodes.Status200OK));
        host.MapPrometheusScrapingEndpoint(Metrics);
        return host;
    }

    /// <summary>Where the silo listens, by the value that chooses it.</summary>
    public static IEnumerable<(string Value, IPEndPoint Endpoint)> Endpoints(SiloSettings settings)
    {
        MoEClusterOptions cluster = settings.Cluster();
        IPAddress address = Health(settings).Address;
        yield return (cluster.ListenSiloPort is null ? "siloPort" : "listenSiloPort", new IPEndPoint(address, cluster.ListenSiloPort ?? cluster.SiloPort));
        yield return (cluster.ListenGatewayPort is null ? "gatewayPort" : "listenGatewayPort", new IPEndPoint(address, cluster.ListenGatewayPort ?? cluster.GatewayPort));
        yield return ("healthPort", Health(settings));
    }

    private static IPEndPoint Health(SiloSettings settings) => new(settings.Cluster().ListeningAddress(), settings.HealthPort);

    /// <summary>A snapshot that is late is no reason to start a silo anew, or to send clients elsewhere.</summary>
    private static bool MemberOnly(HealthCheckRegistration check) => check.Tags.Contains(MoEHealthChecks.Member);

    private static HealthCheckOptions Answers(Func<HealthCheckRegistration, bool> checks, int degraded) => new()
    {
        Predicate = checks,
        ResponseWriter = WriteAsync,
        ResultStatusCodes =
        {
            [HealthStatus.Healthy] = StatusCodes.Status200OK,
            [HealthStatus.Degraded] = degraded,
            [HealthStatus.Unhealthy] = StatusCodes.Status503ServiceUnavailable,
        },
    };

    /// <summary>One JSON object: how the silo stands, and what it knows of itself and its cluster.</summary>
    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var answer = new Dictionary<string, object> { ["status"] = report.Status.ToString().ToLowerInvariant() };
        foreach ((string name, object value) in report.Entries.Values.SelectMany(entry => entry.Data))
        {
            answer.TryAdd(name == "status" ? "membership" : name, value);
        }

        answer["checks"] = report.Entries.ToDictionary(
            entry => entry.Key, entry => new { status = entry.Value.Status.ToString().ToLowerInvariant(), description = entry.Value.Description });

        return context.Response.WriteAsJsonAsync(answer);
    }

    /// <summary>A line for each event, which begins with the silo's name. What Orleans says of itself fills pages unless one asks for it.</summary>
    private static void Log(ILoggingBuilder logging, string name, LogLevel least)
    {
        LogLevel ofOthers = least <= LogLevel.Debug ? LogLevel.Information : least < LogLevel.Warning ? LogLevel.Warning : least;
        logging.SetMinimumLevel(least);
        foreach (string other in new[] { "Orleans", "Microsoft", "Polly", typeof(WorkerHostService).FullName! })
        {
            logging.AddFilter(other, ofOthers);
        }

        // The one advises servers' garbage collection, which takes the cores that executors need; the other takes the time since the machine's start for a delay.
        foreach (string warner in new[] { "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog" })
        {
            logging.AddFilter(warner, least <= LogLevel.Debug ? LogLevel.Information : LogLevel.Error);
        }
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = $"'{name}' HH:mm:ss.fff ";
        });
    }

    /// <summary>The command says when the host ends.</summary>
    private sealed class CommandLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
