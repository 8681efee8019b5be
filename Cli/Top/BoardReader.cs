using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Cli.Dashboards;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Dashboard.Boards;

namespace MoEActors.Cli.Top;

/// <summary>Reads what a dashboard shows: one that is served, or one of its own for a cluster that it connects to.</summary>
internal sealed class BoardReader : IAsyncDisposable
{
    /// <summary>What is read is in the memory of a process.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly HttpClient _http;
    private readonly IAsyncDisposable?[] _owned;

    private BoardReader(Uri address, string what, TimeSpan patience, params IAsyncDisposable?[] owned)
    {
        _http = new HttpClient { BaseAddress = new Uri(address, "api/"), Timeout = patience };
        (Source, _owned) = (what, owned);
    }

    /// <summary>What is read, in words.</summary>
    public string Source { get; }

    /// <summary>Reads a dashboard.</summary>
    /// <param name="dashboard">Where it is.</param>
    /// <param name="patience">How long it may take to answer; three seconds unless given.</param>
    public static BoardReader At(IPEndPoint dashboard, TimeSpan? patience = null)
    {
        var address = new UriBuilder(Uri.UriSchemeHttp, dashboard.Address.ToString(), dashboard.Port).Uri;
        return new BoardReader(address, address.Authority, patience ?? Patience);
    }

    /// <summary>Follows a cluster.</summary>
    /// <exception cref="ConnectionFailedException">It cannot be reached.</exception>
    public static async Task<BoardReader> ConnectAsync(ConnectOptions options, CancellationToken cancellation)
    {
        MoECluster cluster = await MoECluster.ConnectAsync(options, cancellationToken: cancellation);
        try
        {
            // On a port of this machine that nobody knows: what is read there is what any dashboard of the cluster shows.
            DashboardServer server = await DashboardServer.StartAsync(
                new DashboardChoice(new IPEndPoint(IPAddress.Loopback, 0)), cluster, NullLoggerProvider.Instance, cancellation);
            return new BoardReader(server.Address, options.ToString(), Patience, server, cluster);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads a part of the board; null when there is no such part.</summary>
    /// <exception cref="IOException">Nobody answers; the message says where.</exception>
    public async Task<T?> GetAsync<T>(string path, CancellationToken cancellation)
        where T : class
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(path, cancellation);
            return answer.StatusCode == HttpStatusCode.NotFound ? null : await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<T>(BoardJson.Options, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested && e is HttpRequestException or TaskCanceledException or JsonException)
        {
            throw new IOException(e switch
            {
                HttpRequestException { InnerException: SocketException } => $"Nobody serves a dashboard at {_http.BaseAddress!.Authority}.",
                TaskCanceledException => $"The dashboard at {_http.BaseAddress!.Authority} does not answer.",
                _ => $"What answers at {_http.BaseAddress!.Authority} is no dashboard of this version: {e.Message}",
            });
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (IAsyncDisposable? owned in _owned)
        {
            if (owned is not null)
            {
                await owned.DisposeAsync();
            }
        }
    }
}
