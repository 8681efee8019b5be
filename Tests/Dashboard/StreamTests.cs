using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>A viewer has the whole picture, whatever he has missed, and is no burden to anybody.</summary>
public sealed class StreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_snapshot_comes_first_then_what_has_changed_alone()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        ModelBoard model = host.Board.Add("m");
        model.Status.Put(new { name = "m", step = 1 });
        model.Layer(0).Load.Put(new { layer = 0, tokens = new[] { 1, 2 } });
        model.Layer(1).Load.Put(new { layer = 1 });
        model.Notes.Put(1, new { number = 1 });
        using EventReader events = await EventReader.OpenAsync(host.Client, "model=m&layer=0");
        ServerEvent first = await events.NextAsync();
        Assert.Equal("snapshot", first.Kind);
        Assert.Equal(["cluster", "models", "status", "load", "notes"], first.Parts);

        // Nothing new, the other layer's, and something else: one message, of that alone.
        model.Status.Put(new { name = "m", step = 1 });
        model.Layer(1).Load.Put(new { layer = 1, tokens = new[] { 3 } });
        model.Notes.Put(2, new { number = 2 });
        ServerEvent second = await events.NextAsync();
        Assert.Equal("delta", second.Kind);
        Assert.Equal(["notes"], second.Parts);
        Assert.Equal([2], second.Data.GetProperty("notes").EnumerateArray().Select(note => note.GetProperty("number").GetInt32()));

        // An item that changes comes again, by itself.
        model.Notes.Put(1, new { number = 1, text = "after all" });
        Assert.Equal("after all", (await events.NextAsync()).Data.GetProperty("notes")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_stream_goes_on_where_an_earlier_one_broke_off()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        ModelBoard model = host.Board.Add("m");
        model.Status.Put(new { step = 1 });
        for (int second = 0; second < 3; second++)
        {
            model.Series.Add(Step(second));
        }

        ServerEvent seen;
        using (EventReader events = await EventReader.OpenAsync(host.Client, "model=m&layer=0"))
        {
            seen = await events.NextAsync();
        }

        Assert.Equal([0, 1], Steps(seen));
        model.Notes.Put(7, new { number = 7 });
        for (int second = 3; second < 6; second++)
        {
            model.Series.Add(Step(second));
        }

        using (EventReader events = await EventReader.OpenAsync(host.Client, "model=m&layer=0", seen.Id))
        {
            ServerEvent missed = await events.NextAsync();
            Assert.Equal("delta", missed.Kind);
            Assert.Equal(["notes", "series"], missed.Parts);
            Assert.Equal([2, 3, 4], Steps(missed));
        }

        // Of another process, from the future, or nonsense: from the beginning.
        foreach (string id in new[] { $"{Guid.NewGuid():n}-1", $"{host.Board.Id}-99999999", "nonsense", "<script>", $"{host.Board.Id}--1" })
        {
            using EventReader events = await EventReader.OpenAsync(host.Client, "model=m&layer=0", id);
            Assert.Equal("snapshot", (await events.NextAsync()).Kind);
        }

        // Another model of the name: what was seen was of the one before.
        host.Board.Remove("m");
        host.Board.Add("m").Status.Put(new { step = 0 });
        using (EventReader events = await EventReader.OpenAsync(host.Client, "model=m&layer=0", seen.Id))
        {
            Assert.Equal("snapshot", (await events.NextAsync()).Kind);
        }
    }

    [Fact]
    public async Task What_comes_faster_than_a_viewer_looks_is_left_out_for_him_and_the_last_is_not()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        ModelBoard model = host.Board.Add("m");
        using EventReader events = await EventReader.OpenAsync(host.Client, "model=m");
        await events.NextAsync();
        for (int step = 1; step <= 2000; step++)
        {
            model.Status.Put(new { step });
        }

        int messages = 0;
        long last = 0;
        while (last < 2000)
        {
            ServerEvent next = await events.NextAsync();
            messages++;
            last = next.Data.TryGetProperty("status", out JsonElement status) ? status.GetProperty("step").GetInt64() : last;
        }

        Assert.InRange(messages, 1, 20);
    }

    [Fact]
    public async Task A_viewer_who_does_not_read_is_dropped_and_others_are_not()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null, options => options.ReadTimeout = TimeSpan.FromMilliseconds(200));
        ModelBoard model = host.Board.Add("m");
        using var deaf = new TcpClient { ReceiveBufferSize = 4096 };
        await deaf.ConnectAsync(IPAddress.Loopback, host.Address.Port, Cancellation);
        await deaf.GetStream().WriteAsync(Encoding.ASCII.GetBytes("GET /api/stream?model=m HTTP/1.1\r\nHost: localhost\r\n\r\n"), Cancellation);
        using EventReader reading = await EventReader.OpenAsync(host.Client, "model=m");
        await reading.NextAsync();
        await Deadline.UntilAsync(() => Task.FromResult(host.Viewers == 2), "both look");

        // More than the buffers of a connection hold, again and again, to both.
        int round = 0;
        string much = new('x', 1 << 20);
        while (host.Viewers == 2 && round < 100)
        {
            model.Status.Put(new { round = ++round, much });
            while ((await reading.NextAsync()).Data.GetProperty("status").GetProperty("round").GetInt32() < round)
            {
            }
        }

        Assert.InRange(round, 1, 99);
        Assert.Equal(1, host.Viewers);
        model.Status.Put(new { round = -1 });
        Assert.Equal(-1, (await reading.NextAsync()).Data.GetProperty("status").GetProperty("round").GetInt32());
    }

    [Fact]
    public async Task No_more_look_than_may_and_who_goes_makes_room()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null, options => options.MostViewers = 2);
        using EventReader first = await EventReader.OpenAsync(host.Client, "");
        EventReader second = await EventReader.OpenAsync(host.Client, "");
        using (HttpResponseMessage third = await host.Client.GetAsync("api/stream", HttpCompletionOption.ResponseHeadersRead, Cancellation))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        }

        second.Dispose();
        await Deadline.UntilAsync(() => Task.FromResult(host.Viewers == 1), "the one who went is not counted");
        using EventReader fourth = await EventReader.OpenAsync(host.Client, "");
        Assert.Equal("snapshot", (await fourth.NextAsync()).Kind);
    }

    [Fact]
    public async Task A_stream_follows_a_run_and_one_of_no_model_shows_the_cluster()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        string name = cluster["followed"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, TrainingRuns.Small, null, Cancellation);
        await host.AskUntilAsync($"models/{name}/layers/0/placement", _ => true, "the model is shown");
        using EventReader none = await EventReader.OpenAsync(host.Client, "model=%3Cscript%3E&layer=-7");
        Assert.Equal(["cluster", "models"], (await none.NextAsync()).Parts);
        using EventReader events = await EventReader.OpenAsync(host.Client, $"model={name}&layer=0");
        long tokens = (await model.TrainStepAsync(TrainingRuns.Batch(TrainingRuns.Small, 1), Cancellation)).KeptTokens[0].Sum();
        while (true)
        {
            ServerEvent next = await events.NextAsync();
            if (next.Data.TryGetProperty("load", out JsonElement load))
            {
                Assert.Equal(tokens, load.GetProperty("tokens").EnumerateArray().Sum(value => value.GetInt64()));
                break;
            }
        }
    }

    [Fact]
    public void A_series_has_seconds_and_what_is_older_than_an_hour_by_the_minute()
    {
        var board = new Board();
        Series series = board.Add("m").Series;
        for (int second = 0; second < 2 * 3600; second++)
        {
            series.Add(Step(second) with { Loss = second, Balance = second % 2 == 0 ? (1.5, 2) : null });
            series.Add(Step(second + 0.5) with { Loss = second + 1 });
        }

        SeriesPoint[] points = series.Since(0);
        SeriesPoint[] fine = [.. points.Where(point => point.Steps == 2)], coarse = [.. points.Where(point => point.Steps == 120)];
        Assert.Equal((3600, points.Length), (fine.Length, fine.Length + coarse.Length));
        Assert.InRange(coarse.Length, 58, 60);
        Assert.Equal(points.OrderBy(point => point.Time), points);
        Assert.Equal((7198.5, 7198.5, 20.0), (fine[^1].Time, fine[^1].Loss, fine[^1].TokensPerSecond));
        Assert.Equal(1.5, coarse[0].Balance);
        Assert.Equal(fine[^1], Assert.Single(series.Since(fine[^2].Number)));

        // Nothing comes any more, and the last second is shown all the same.
        series.Advance(7202);
        Assert.Equal(7199.5, series.Since(0)[^1].Time);
    }

    private static SeriesStep Step(double time) => new(time, (long)time, Loss: 1, Tokens: 10, Seconds: 0.5, Balance: null, ExchangeBytes: 8, Chosen: 4, Dropped: 1);

    private static IEnumerable<long> Steps(ServerEvent message) => message.Data.GetProperty("series").GetProperty("step").EnumerateArray().Select(step => step.GetInt64());
}
