using System.Net.Sockets;
using System.Text;
using MoEActors.Client;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>Those who mean no good: they get nothing, and training does not notice.</summary>
public sealed class HostileTests
{
    private const int Crowd = 1000, MostViewers = 100;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_idle_streams_are_turned_away_but_for_as_many_as_may_look_and_training_goes_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        string name = cluster["crowded"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        byte[] request = Encoding.ASCII.GetBytes($"GET /api/stream?model={name} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        TcpClient[] crowd = [.. Enumerable.Range(0, Crowd).Select(_ => new TcpClient())];
        try
        {
            string[] answers = await Task.WhenAll(crowd.Select(async one =>
            {
                await one.ConnectAsync("127.0.0.1", host.Address.Port, Cancellation);
                await one.GetStream().WriteAsync(request, Cancellation);
                byte[] status = new byte["HTTP/1.1 200".Length];
                await one.GetStream().ReadExactlyAsync(status, Cancellation);
                return Encoding.ASCII.GetString(status);
            }));
            Assert.Equal((MostViewers, Crowd - MostViewers), (answers.Count(answer => answer == "HTTP/1.1 200"), answers.Count(answer => answer == "HTTP/1.1 503")));
            Assert.Equal(MostViewers, host.Viewers);
            TrainingTrace trace = await TrainingTrace.UndisturbedAsync(Run, 6);
            trace.AssertSame(await TrainingTrace.OfAsync(model, 6), "before a crowd");

            // Who asks for something else gets it.
            await host.AskUntilAsync($"models/{name}", status => status.GetProperty("step").GetInt64() == 6, "the last step is shown");
        }
        finally
        {
            Array.ForEach(crowd, one => one.Dispose());
        }

        await Deadline.UntilAsync(() => Task.FromResult(host.Viewers == 0), "all have gone");
    }
}
