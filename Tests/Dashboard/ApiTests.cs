using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Silos;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>The dashboard's API tells what the cluster does; nothing can be done with what only shows.</summary>
public sealed class ApiTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_the_load_that_the_gates_report_and_where_experts_are()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        string name = cluster["shown"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        List<StepOutcome> steps = [];
        await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 12), Cancellation))
        {
            steps.Add(step);
        }

        JsonElement load = await host.AskUntilAsync($"models/{name}/layers/2/load", answer => answer.GetProperty("to").GetInt64() == 12, "the load of the last step is shown");
        Assert.Equal(5, load.GetProperty("from").GetInt64());
        long[] expected = [.. Enumerable.Range(0, 7).Select(expert => steps[^8..].Sum(step => step.KeptTokens[2][expert]))];
        Assert.Equal(expected, Numbers(load.GetProperty("tokens")));
        Assert.Equal(expected.Sum(), Numbers(load.GetProperty("workers")).Sum());

        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        JsonElement placement = await host.AskAsync($"models/{name}/layers/2/placement");
        Assert.Equal(status.Map!.Ranks()[2], [.. placement.GetProperty("ranks").EnumerateArray().Select(ranks => Numbers(ranks).Select(rank => (int)rank).ToArray())]);
        JsonElement[] layers = [.. (await host.AskAsync($"models/{name}/layers")).EnumerateArray()];
        Assert.Equal([5, 0, 7], layers.Select(layer => layer.GetProperty("experts").GetInt32()));
        Assert.Equal(status.Map.RanksOf(2).Select((rank, expert) => (rank, Tokens: steps[^1].KeptTokens[2][expert])).GroupBy(one => one.rank).Max(of => of.Sum(one => one.Tokens)) * 3.0
            / steps[^1].KeptTokens[2].Sum(), layers[2].GetProperty("ratio").GetDouble(), 9);

        // Of a layer with one replica of each expert, what left a worker is what its tokens' experts elsewhere have got, four times: out and back, forward and backward.
        Assert.All(steps, step => Assert.InRange(step.ExchangeBytes, 1, 4L * sizeof(float) * Run.Model.Dim * (step.KeptTokens[0].Sum() + step.KeptTokens[2].Sum())));
        JsonElement shown = await host.AskAsync($"models/{name}");
        Assert.Equal((12, steps[^1].ExchangeBytes), (shown.GetProperty("step").GetInt64(), shown.GetProperty("newest").GetProperty("exchangeBytes").GetInt64()));
        Assert.Equal(["silo-0", "silo-1", "silo-2"], (await host.AskAsync("cluster")).GetProperty("silos").EnumerateArray().Select(silo => silo.GetProperty("name").GetString()));
        JsonElement[] workers = [.. (await host.AskAsync($"models/{name}/workers")).EnumerateArray()];
        Assert.Equal(1, workers.Sum(worker => worker.GetProperty("share").GetDouble()), 9);
        Assert.All(workers, worker => Assert.Equal(1, worker.GetProperty("time").EnumerateObject().Sum(part => part.Value.GetDouble()), 6));
        JsonElement run = await host.AskAsync($"models/{name}/run");
        Assert.Equal(ModelLayout.ParameterCount(Run.Model), run.GetProperty("parameters").GetInt64());
        JsonElement series = await host.AskUntilAsync($"models/{name}/series", answer => Numbers(answer.GetProperty("step")).LastOrDefault() == 12, "the series has the last step");
        Assert.All(series.EnumerateObject(), column => Assert.Equal(series.GetProperty("time").GetArrayLength(), column.Value.GetArrayLength()));
    }

    [Fact]
    public async Task What_travels_in_layers_and_the_copies_made_for_it_are_in_outcomes_status_and_board()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["travels"], Run, null, Cancellation);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        Assert.Empty((await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).TransientCopies);
        await model.ConfigureParallelismAsync(LayerParallelism.Data, 2, Cancellation);
        int[][] copies =
        [
            (await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation)).TransientCopies,
            (await model.TrainStepAsync(TrainingRuns.Batch(Run, 3), Cancellation)).TransientCopies,
        ];

        // Of two workers, one has an expert and the other may need it, in each of the rounds.
        int most = Run.Model.Experts[2] * Run.MicroBatches / 2;
        Assert.All(copies, step => Assert.Equal((Run.Model.Layers, 0, true), (step.Length, step[0], step[2] > 0 && step[2] <= most)));
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal(copies[1], status.TransientCopies);
        Assert.Equal($"layer 2: experts travel, {copies[1][2]} copies", Assert.Single(LayerTravel.Unusual(LayerTravel.Of(status))));
        Assert.EndsWith($", layer 2: experts travel, {copies[1][2]} copies", ModelReport.Of(status).Line(), StringComparison.Ordinal);
        JsonElement layers = await host.AskUntilAsync(
            $"models/{cluster["travels"]}/layers", all => all[2].GetProperty("transientCopies").GetInt64() == copies[0][2] + copies[1][2], "the copies of both steps are shown");
        Assert.Equal(["expert", "data"], new[] { 0, 2 }.Select(layer => layers[layer].GetProperty("parallelism").GetString()));

        await model.TuneParallelismAsync(2, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 4), Cancellation);
        Assert.Matches("^  layer 2 is tuned: Capacity .* ms predicted", Assert.Single(LayerTravel.Reasons(LayerTravel.Of(await model.GetStatusAsync(Cancellation)))));
        layers = await host.AskUntilAsync(
            $"models/{cluster["travels"]}/layers", all => all[2].GetProperty("tuning").ValueKind == JsonValueKind.String, "the tuner's reason is shown");
        Assert.StartsWith("Capacity ", layers[2].GetProperty("tuning").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, layers[0].GetProperty("tuning").ValueKind);
    }

    [Fact]
    public async Task What_a_silo_of_the_process_hears_of_others_is_shown_at_once_whatever_an_answer_says_that_comes_later()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.ClearAsync();
        SiloSummary one = (await cluster.Client.ListSilosAsync(Cancellation))[1];
        var news = new ToldNews();
        await using var client = new MoECluster(cluster.Client.Grains) { SiloNews = news };
        await using DashboardHost host = await DashboardHost.StartAsync(client);
        await host.AskUntilAsync("cluster", now => StateOf(now) == "active", "the silo is shown");

        // An earlier start of it is another one. Of a silo whose death is known nothing else is believed, though the cluster goes on saying that it is there.
        news.Tell(new SiloSighting(one.Name, "127.0.0.1:1@1", SiloState.Leaving), new SiloSighting(one.Name, one.Address, SiloState.Dead));
        await host.AskUntilAsync("cluster", now => StateOf(now) == "dead", "its death is shown");
        await cluster.Client.CreateModelAsync(cluster["later"], Run, null, Cancellation);
        await host.AskUntilAsync("models", models => models.GetArrayLength() == 1, "the cluster was asked again");
        Assert.Equal("dead", StateOf(await host.AskAsync("cluster")));

        string? StateOf(JsonElement now) => now.GetProperty("silos").EnumerateArray()
            .Where(silo => silo.GetProperty("name").GetString() == one.Name).Select(silo => silo.GetProperty("state").GetString()).FirstOrDefault();
    }

    private sealed class ToldNews : ISiloNews
    {
        private readonly Channel<SiloSighting[]> _told = Channel.CreateUnbounded<SiloSighting[]>();

        public void Tell(params SiloSighting[] silos) => _told.Writer.TryWrite(silos);

        public IAsyncEnumerable<SiloSighting[]> ReadAsync(CancellationToken cancellationToken) => _told.Reader.ReadAllAsync(cancellationToken);
    }

    [Fact]
    public async Task A_model_that_comes_is_shown_and_one_that_goes_is_not()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        string name = cluster["passing"];
        await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await host.AskUntilAsync("models", answer => answer.EnumerateArray().Any(model => model.GetProperty("name").GetString() == name), "the model is listed");
        await cluster.Client.DeleteModelAsync(name, Cancellation);
        await host.AskUntilAsync("models", answer => answer.EnumerateArray().All(model => model.GetProperty("name").GetString() != name), "the model is gone");
        Assert.Equal(HttpStatusCode.NotFound, (await host.Client.GetAsync($"api/models/{name}", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Nothing_is_served_but_what_is_there_and_all_of_it_is_protected()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        foreach (string path in new[] { "", "app.js", "page.css", "vendor/uPlot.iife.min.js", "api/cluster", "api/models", "api/moe-dashboard.json" })
        {
            using HttpResponseMessage response = await host.Client.GetAsync(path, Cancellation);
            Assert.True(response.StatusCode == HttpStatusCode.OK, $"/{path}: {response.StatusCode}");
            string policy = string.Join(' ', response.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", string.Concat(response.Headers.GetValues("X-Content-Type-Options")));
        }

        foreach (string path in new[]
        {
            "nothing", "api", "api/nothing", "api/models/unknown", "api/models/unknown/workers", "api/models/%3Cscript%3E", "api/models/a/layers/x/load", "api/models/a/layers/99999999999/load",
            "../app.js", "vendor/../../secret", "vendor/", "api/other.json", "index.html/..%2f",
        })
        {
            using HttpResponseMessage response = await host.Client.GetAsync(path, Cancellation);
            Assert.True(response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest || path == "../app.js", $"/{path}: {response.StatusCode}");
        }

        foreach (HttpMethod method in new[] { HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Patch })
        {
            using var request = new HttpRequestMessage(method, "api/models") { Content = new ByteArrayContent(new byte[1 << 20]) };
            using HttpResponseMessage response = await host.Client.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        }
    }

    [Fact]
    public async Task The_page_with_its_libraries_is_small_and_names_no_other_host()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        host.Client.DefaultRequestHeaders.Add("Accept-Encoding", "gzip");
        string[] files = [.. typeof(MoEActors.Dashboard.Hosting.MoEDashboardExtensions).Assembly.GetManifestResourceNames()];
        long bytes = 0;
        foreach (string file in files.Select(file => file == "index.html" ? "" : file))
        {
            using HttpResponseMessage response = await host.Client.GetAsync(file, Cancellation);
            bytes += response.Content.Headers.ContentLength!.Value;
            using var again = new HttpRequestMessage(HttpMethod.Get, file);
            again.Headers.Add("If-None-Match", response.Headers.ETag!.Tag);
            Assert.Equal(HttpStatusCode.NotModified, (await host.Client.SendAsync(again, Cancellation)).StatusCode);
        }

        Assert.InRange(bytes, 10_000, 150_000);
        using var plain = new HttpClient { BaseAddress = host.Address };
        foreach (string file in files.Where(file => !file.StartsWith("vendor/", StringComparison.Ordinal) && file != "icon.svg").Select(file => file == "index.html" ? "" : file))
        {
            string text = await plain.GetStringAsync(file, Cancellation);
            Assert.DoesNotContain("://", text, StringComparison.Ordinal);
            Assert.DoesNotContain("innerHTML", text, StringComparison.Ordinal);
            Assert.DoesNotContain(" style=", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_document_describes_every_path()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null, prefix: "/watch");
        JsonElement document = JsonDocument.Parse(await host.Client.GetStringAsync("watch/api/moe-dashboard.json", Cancellation)).RootElement;
        string[] paths = [.. document.GetProperty("paths").EnumerateObject().Select(path => path.Name)];
        string[] expected =
        [
            "/watch/api/about", "/watch/api/cluster", "/watch/api/control/check", "/watch/api/control/models/{model}/director", "/watch/api/control/models/{model}/layers/{layer}/gate",
            "/watch/api/control/models/{model}/move", "/watch/api/control/models/{model}/snapshot", "/watch/api/control/silos/{silo}/drain", "/watch/api/control/silos/{silo}/undrain",
            "/watch/api/models", "/watch/api/models/{model}", "/watch/api/models/{model}/decisions", "/watch/api/models/{model}/layers",
            "/watch/api/models/{model}/layers/{layer}/load", "/watch/api/models/{model}/layers/{layer}/placement", "/watch/api/models/{model}/notes",
            "/watch/api/models/{model}/run", "/watch/api/models/{model}/series", "/watch/api/models/{model}/workers", "/watch/api/stream",
        ];
        Assert.Equal(expected, paths.Order(StringComparer.Ordinal));
        Assert.All(document.GetProperty("paths").EnumerateObject(), path => Assert.Equal(
            [path.Name.Contains("/control/", StringComparison.Ordinal) ? "post" : "get"], path.Value.EnumerateObject().Select(method => method.Name)));
        JsonElement state = document.GetProperty("components").GetProperty("schemas").GetProperty("SiloState");
        Assert.Equal(["joining", "active", "leaving", "dead"], state.GetProperty("enum").EnumerateArray().Select(value => value.GetString()));

        // Below a prefix the page names its parts relative to itself.
        Assert.Contains("<title>", await host.Client.GetStringAsync("watch", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_this_machine_alone_answers_to_its_names_alone_and_takes_another_port_where_one_is_taken()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await using DashboardServer first = await DashboardServer.StartAsync(new DashboardChoice(new IPEndPoint(IPAddress.Loopback, 0)), cluster.Client, NullLoggerProvider.Instance, Cancellation);
        var taken = new IPEndPoint(IPAddress.Loopback, first.Address.Port);
        await using DashboardServer second = await DashboardServer.StartAsync(new DashboardChoice(taken), cluster.Client, NullLoggerProvider.Instance, Cancellation);
        Assert.True(second.IsElsewhere);
        Assert.Equal($"dashboard: http://127.0.0.1:{second.Address.Port} (port {first.Address.Port} is taken)", second.InWords());
        using var client = new HttpClient { BaseAddress = second.Address };
        foreach ((string host, HttpStatusCode code) in new[]
        {
            ("localhost", HttpStatusCode.OK), ("127.0.0.1", HttpStatusCode.OK), ("[::1]", HttpStatusCode.OK), ("attacker.example", HttpStatusCode.MisdirectedRequest),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "api/cluster") { Headers = { Host = host } };
            Assert.Equal(code, (await client.SendAsync(request, Cancellation)).StatusCode);
        }
    }

    [Theory]
    [InlineData("off", null)]
    [InlineData("5081", "127.0.0.1:5081")]
    [InlineData("0.0.0.0:80", "0.0.0.0:80")]
    [InlineData("[::1]:5080", "[::1]:5080")]
    public void A_choice_is_read(string text, string? endpoint)
    {
        Assert.True(DashboardChoice.TryParse(text, out DashboardChoice choice));
        Assert.Equal(endpoint, choice.Endpoint?.ToString());
    }

    [Theory]
    [InlineData("on"), InlineData(""), InlineData("70000"), InlineData("-1"), InlineData("127.0.0.1"), InlineData("127.0.0.1:"), InlineData("::1:5080"), InlineData("localhost:5080"), InlineData("1.2.3.4:5 0")]
    public void What_is_no_choice_is_refused(string text) => Assert.False(DashboardChoice.TryParse(text, out _), text);

    [Theory]
    [InlineData("demo"), InlineData("train"), InlineData("cluster")]
    public async Task A_command_refuses_it_before_it_does_anything(string command)
    {
        CommandLineRun run = await CommandLineRun.Of(command, "--dashboard", "localhost:5080");
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains("--dashboard 'localhost:5080' is none of: off, a port of 127.0.0.1, or ADDRESS:PORT", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_anybody_guesses_is_refused_and_not_repeated()
    {
        using var folder = new TemporaryFolder();
        CommandLineRun run = await CommandLineRun.Of("demo", "--dashboard-token-file", folder.Write("token", "opensesame\n"));
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains("What --dashboard-token-file has is no control token", run.Error, StringComparison.Ordinal);
        UsageException error = Assert.Throws<UsageException>(() => SiloSettings.Read(
            null, new Dictionary<string, string> { ["MOE_DASHBOARD_TOKEN"] = "opensesame" }, new Dictionary<string, string> { ["redis"] = "redis://127.0.0.1:1" }));
        Assert.Contains("MOE_DASHBOARD_TOKEN is no control token", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("opensesame", run.Error + error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<long> Numbers(JsonElement array) => array.EnumerateArray().Select(number => number.GetInt64());
}
