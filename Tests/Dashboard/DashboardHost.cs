using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MoEActors.Cli.Dashboards;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Dashboard.Hosting;
using MoEActors.Dashboard.Serving;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>A host that serves the dashboard of a cluster, or of a board that a test fills itself.</summary>
internal sealed class DashboardHost : IAsyncDisposable
{
    private readonly WebApplication _host;
    private readonly ConcurrentQueue<string> _log;

    private DashboardHost(WebApplication host, ConcurrentQueue<string> log)
    {
        (_host, _log) = (host, log);
        Client = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };
    }

    public HttpClient Client { get; }

    public Uri Address => Client.BaseAddress!;

    /// <summary>What it has logged.</summary>
    public string[] Log => [.. _log];

    public Board Board => _host.Services.GetRequiredService<Board>();

    public int Viewers => _host.Services.GetRequiredService<LiveStream>().Viewers;

    /// <summary>Starts a host.</summary>
    /// <param name="cluster">The cluster; null for a board that nobody fills.</param>
    /// <param name="configure">Sets options.</param>
    /// <param name="prefix">The path of the page.</param>
    public static async Task<DashboardHost> StartAsync(MoECluster? cluster, Action<MoEDashboardOptions>? configure = null, string prefix = "/")
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddMoEDashboard(configure);
        if (cluster is null)
        {
            foreach (ServiceDescriptor watch in builder.Services.Where(one => one.ServiceType == typeof(IHostedService) && one.ImplementationType?.Name == "ClusterWatch").ToArray())
            {
                builder.Services.Remove(watch);
            }
        }
        else
        {
            builder.Services.AddSingleton(cluster);
        }

        var log = new ConcurrentQueue<string>();
        builder.Logging.AddProvider(new LineLog(log.Enqueue)).AddFilter("Microsoft", LogLevel.None);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication host = builder.Build();
        host.UseRouting();
        host.MapMoEDashboard(prefix);
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new DashboardHost(host, log);
    }

    /// <summary>Asks the API.</summary>
    public async Task<JsonElement> AskAsync(string path)
    {
        using HttpResponseMessage response = await Client.GetAsync($"api/{path}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
    }

    /// <summary>Asks the API until the answer is there and as it should be.</summary>
    public async Task<JsonElement> AskUntilAsync(string path, Func<JsonElement, bool> isSo, string what)
    {
        JsonElement answer = default;
        await Deadline.UntilAsync(
            async () =>
            {
                using HttpResponseMessage response = await Client.GetAsync($"api/{path}", TestContext.Current.CancellationToken);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return false;
                }

                answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
                return isSo(answer);
            },
            what);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _host.StopAsync(CancellationToken.None);
        await _host.DisposeAsync();
    }
}

/// <summary>Server-sent events, as a browser reads them.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private EventReader(HttpResponseMessage response, Stream stream) => (_response, _lines) = (response, new StreamReader(stream));

    public static async Task<EventReader> OpenAsync(HttpClient client, string query, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"api/stream?{query}");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new EventReader(response, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>The next event; heartbeats are passed over.</summary>
    public async Task<ServerEvent> NextAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Deadline.Patience);
        string id = "", kind = "";
        while (await _lines.ReadLineAsync(limit.Token) is { } line)
        {
            switch (line.Split(": ", 2))
            {
                case ["id", { } value]:
                    id = value;
                    break;
                case ["event", { } value]:
                    kind = value;
                    break;
                case ["data", { } value]:
                    return new ServerEvent(id, kind, JsonDocument.Parse(value).RootElement);
            }
        }

        throw new EndOfStreamException("The stream has ended.");
    }

    public void Dispose()
    {
        _lines.Dispose();
        _response.Dispose();
    }
}

/// <summary>A server-sent event.</summary>
internal sealed record ServerEvent(string Id, string Kind, JsonElement Data)
{
    public IEnumerable<string> Parts => Data.EnumerateObject().Select(part => part.Name);
}
