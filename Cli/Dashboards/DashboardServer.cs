using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MoEActors.Client;
using MoEActors.Dashboard.Hosting;
using Orleans.Dashboard;

namespace MoEActors.Cli.Dashboards;

/// <summary>A web server that serves the dashboard of a cluster, and nothing else.</summary>
internal sealed class DashboardServer : IAsyncDisposable
{
    /// <summary>Streams end when they are told to; nothing else takes time.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(2);

    private readonly WebApplication _host;

    private readonly IPEndPoint _wanted;
    private readonly CancellationTokenSource _ending = new();

    private DashboardServer(WebApplication host, IPEndPoint wanted, DashboardChoice choice, MoECluster cluster)
    {
        (_host, _wanted) = (host, wanted);
        string address = host.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        Address = new Uri(address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal));
        IsElsewhere = wanted.Port != 0 && Address.Port != wanted.Port;
        OrleansIsWarm = choice.HasOrleans ? Task.Run(() => OrleansDashboard.WarmAsync(Address, cluster, _ending.Token)) : Task.CompletedTask;
    }

    /// <summary>Where it is.</summary>
    public Uri Address { get; }

    /// <summary>Whether another port had to be taken than the one that was wanted.</summary>
    public bool IsElsewhere { get; }

    /// <summary>Orleans' own dashboard beside it shows all silos; or there is none.</summary>
    public Task OrleansIsWarm { get; }

    /// <summary>Where it is, in words.</summary>
    public string InWords() =>
        $"dashboard: {Address.GetLeftPart(UriPartial.Authority)}{(IsElsewhere ? $" (port {_wanted.Port} is taken)" : "")}";

    /// <summary>Starts it.</summary>
    /// <param name="choice">Where; another port where that one is taken.</param>
    /// <param name="cluster">The cluster to show, which lives longer.</param>
    /// <param name="log">Where it is logged what is changed.</param>
    /// <param name="cancellation">Stops starting.</param>
    /// <exception cref="IOException">Nobody can listen at the address.</exception>
    public static async Task<DashboardServer> StartAsync(DashboardChoice choice, MoECluster cluster, ILoggerProvider log, CancellationToken cancellation)
    {
        IPEndPoint endpoint = choice.Endpoint ?? throw new ArgumentException("No dashboard is wanted.", nameof(choice));
        try
        {
            return new DashboardServer(await StartHostAsync(choice, endpoint, cluster, log, cancellation), endpoint, choice, cluster);
        }
        catch (IOException) when (endpoint.Port != 0)
        {
            // It is taken.
            return new DashboardServer(await StartHostAsync(choice, new IPEndPoint(endpoint.Address, 0), cluster, log, cancellation), endpoint, choice, cluster);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await OrleansIsWarm;
        _ending.Dispose();
        using var limit = new CancellationTokenSource(EndLimit);
        await _host.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _host.DisposeAsync();
    }

    private static async Task<WebApplication> StartHostAsync(
        DashboardChoice choice, IPEndPoint endpoint, MoECluster cluster, ILoggerProvider log, CancellationToken cancellation)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(cluster);
        builder.Services.AddMoEDashboard(options => options.ControlToken = choice.Token);
        if (choice.HasOrleans)
        {
            builder.Services.AddSingleton(cluster.Grains);
            OrleansDashboard.AddPage(builder.Services, builder.Configuration);
        }

        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(endpoint);
        });
        WebApplication host = builder.Build();
        if (IPAddress.IsLoopback(endpoint.Address))
        {
            host.Use(RefuseOtherNames);
        }

        host.UseRouting();
        host.MapMoEDashboard(orleans: choice.HasOrleans ? beside => beside.MapOrleansDashboard(MoEDashboardExtensions.OrleansPath) : null);
        try
        {
            await host.StartAsync(cancellation);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// What is for this machine alone is asked for by this machine's name: a page of another host whose name leads here (DNS rebinding) would else read along.
    /// </summary>
    private static Task RefuseOtherNames(HttpContext context, RequestDelegate next)
    {
        string host = context.Request.Host.Host;
        if (host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address)))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
        return Task.CompletedTask;
    }

    /// <summary>Signals are the command's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
