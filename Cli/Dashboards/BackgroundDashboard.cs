using Microsoft.Extensions.Logging;
using MoEActors.Client;

namespace MoEActors.Cli.Dashboards;

/// <summary>A dashboard that starts beside something else, which does not wait for it.</summary>
internal sealed class BackgroundDashboard : IAsyncDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Task<DashboardServer?> _server;

    private BackgroundDashboard(Func<CancellationToken, Task<DashboardServer?>> start) => _server = Task.Run(() => start(_ending.Token));

    /// <summary>Begins to start it.</summary>
    /// <param name="choice">Where, if anywhere.</param>
    /// <param name="cluster">The cluster to show.</param>
    /// <param name="announce">Is told where it is, in one line.</param>
    /// <param name="remark">Is told why there is none.</param>
    /// <param name="log">Where it is logged what is changed by it; as remarks where there is no log.</param>
    public static BackgroundDashboard Begin(
        DashboardChoice choice, MoECluster cluster, Action<string> announce, Action<string> remark, ILoggerProvider? log = null) => new(async ending =>
    {
        if (choice.Endpoint is null)
        {
            return null;
        }

        try
        {
            DashboardServer server = await DashboardServer.StartAsync(choice, cluster, log ?? new LineLog(remark), ending);
            announce(server.InWords());
            return server;
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            // Whatever it is: who trains does so without.
            remark($"There is no dashboard: {e.Message}");
            return null;
        }
    });

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        if (await _server is { } server)
        {
            await server.DisposeAsync();
        }

        _ending.Dispose();
    }
}
