using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Cli.Dashboards;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>Orleans' own dashboard beside ours: under one roof, behind the same protection.</summary>
public sealed class OrleansPageTests(Browser browser)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_a_click_away_and_as_well_protected()
    {
        await using EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(
            new EmbeddedClusterOptions { Silos = 2, ThreadsPerWorker = 1, Configure = (_, silo) => OrleansDashboard.Keep(silo) }, Cancellation);
        await using DashboardServer server = await DashboardServer.StartAsync(
            new DashboardChoice(new IPEndPoint(IPAddress.Loopback, 0)) { HasOrleans = true }, cluster.Client, NullLoggerProvider.Instance, Cancellation);
        using var client = new HttpClient { BaseAddress = server.Address };

        // Nobody has to ask first: the server has, and then the first answer has all silos.
        await Deadline.WithinAsync(server.OrleansIsWarm, "Orleans' dashboard knows both silos");
        using HttpResponseMessage counters = await client.GetAsync("orleans/DashboardCounters", Cancellation);
        Assert.Equal(HttpStatusCode.OK, counters.StatusCode);
        Assert.Equal(2, JsonDocument.Parse(await counters.Content.ReadAsStringAsync(Cancellation)).RootElement.GetProperty("hosts").GetArrayLength());
        string policy = string.Concat(counters.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", string.Concat(counters.Headers.GetValues("X-Content-Type-Options")));
        using (HttpResponseMessage own = await client.GetAsync("", Cancellation))
        {
            Assert.DoesNotContain("unsafe", string.Concat(own.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        }

        // The log of the host is nobody's to read, and there is nothing to change.
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("orleans/Trace", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync("orleans/ClusterStats", content: null, Cancellation)).StatusCode);
        using (var rebound = new HttpRequestMessage(HttpMethod.Get, "orleans/") { Headers = { Host = "attacker.example" } })
        {
            Assert.Equal(HttpStatusCode.MisdirectedRequest, (await client.SendAsync(rebound, Cancellation)).StatusCode);
        }

        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(server.Address);
        await page.Page.ClickAsync("#orleans");
        await page.SeesAsync("#content", "Methods with Most Calls");
        Assert.Empty(page.Problems);
    }

    [Fact]
    public async Task It_is_not_there_unless_it_is_asked_for()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        Assert.False((await host.AskAsync("about")).GetProperty("hasOrleans").GetBoolean());
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync("orleans/", Cancellation)).StatusCode);
    }
}
