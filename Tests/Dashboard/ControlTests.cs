using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>Changes by the dashboard: what those can do who have its token, and that nobody else can do anything.</summary>
public sealed class ControlTests
{
    private const string Token = "a-token-that-nobody-guesses";

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_has_the_token_changes_gates_director_and_placement_and_all_is_told_with_his_name()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        string name = cluster["controlled"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await StartAsync(cluster.Client);
        await TrainingTrace.OfAsync(model, 2);
        await host.AskUntilAsync($"models/{name}", _ => true, "the model is shown");

        Assert.Contains("sends a token to 1 of its experts", await DoAsync(host, $"models/{name}/layers/2/gate", new { topK = 1, by = "Ada" }), StringComparison.Ordinal);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal((2, 1, Run.Model.Gate.CapacityFactor), (status.Gates.Single().Layer, status.Gates.Single().Options.TopK, status.Gates.Single().Options.CapacityFactor));
        await DoAsync(host, $"models/{name}/layers/2/gate", new { capacityFactor = 1.5 });
        Assert.Equal((1, 1.5f), ((await model.GetStatusAsync(Cancellation)).Gates.Single().Options.TopK, (await model.GetStatusAsync(Cancellation)).Gates.Single().Options.CapacityFactor));

        await DoAsync(host, $"models/{name}/director", new { on = true, every = 7, policy = "repack" });
        await DoAsync(host, $"models/{name}/director", new { paused = true });
        Assert.Equal((true, 7, "repack"), await DirectorAsync());
        Assert.Contains("every 7 steps", await DoAsync(host, $"models/{name}/director", new { paused = false }), StringComparison.Ordinal);
        Assert.Equal((false, 7, "repack"), await DirectorAsync());
        await DoAsync(host, $"models/{name}/director", new { on = false });
        Assert.Null((await model.GetStatusAsync(Cancellation)).Director);

        int to = (status.Map!.RanksOf(0)[3] + 1) % 3;
        Assert.EndsWith($"is on rank {to}, silo-{to}.", await DoAsync(host, $"models/{name}/move", new { layer = 0, expert = 3, rank = to, by = "Ada\nLovelace\u202e" }), StringComparison.Ordinal);
        Assert.Equal(to, (await model.GetStatusAsync(Cancellation)).Map!.RanksOf(0)[3]);
        Assert.EndsWith("at step 2.", await DoAsync(host, $"models/{name}/snapshot", new { }), StringComparison.Ordinal);
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).SnapshotStep);

        // Who did it is in the log, one line each, and on the page.
        Assert.Contains($"Ada Lovelace at 127.0.0.1, by the dashboard: Expert 3 of layer 0 of {name} is on rank {to}, silo-{to}.", host.Log);
        Assert.Contains(host.Log, line => line.StartsWith("Somebody at 127.0.0.1, by the dashboard: There is a snapshot", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Log, line => line.Contains('\n', StringComparison.Ordinal) || line.Contains(Token, StringComparison.Ordinal));
        await host.AskUntilAsync(
            $"models/{name}/notes", notes => notes.EnumerateArray().Any(note => note.GetProperty("text").GetString()!.StartsWith("Ada, at 127.0.0.1: The gate of layer 2", StringComparison.Ordinal)),
            "it is told who changed the gate");

        async Task<(bool, int, string)> DirectorAsync() =>
            (await model.GetStatusAsync(Cancellation)).Director is { } settings ? (settings.Paused, settings.Every, settings.Policy) : default;
    }

    [Fact]
    public async Task A_silo_is_drained_without_changing_a_bit_and_comes_back()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        await cluster.ClearAsync();
        string name = cluster["drained"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await StartAsync(cluster.Client);
        TrainingTrace trace = await TrainingTrace.UndisturbedAsync(Run, 6);
        await TrainingTrace.OfAsync(model, 2);
        Assert.Contains($"Silo silo-1 has no expert any more of {name}", await DoAsync(host, "silos/silo-1/drain", new { by = "Ada" }), StringComparison.Ordinal);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        Assert.Equal(["silo-1"], status.Drained);
        Assert.Equal(["silo-0", "silo-2"], status.SiloNames.Order());

        // It can be ended now, and nothing is lost.
        await TrainingTrace.OfAsync(model, 2);
        long view = (await model.GetStatusAsync(Cancellation)).View;
        await cluster.KillAsync(cluster.Silos.Silos[1]);
        await TrainingTrace.OfAsync(model, 1);
        Assert.Equal(view, (await model.GetStatusAsync(Cancellation)).View);
        using HttpResponseMessage gone = await PostAsync(host, "silos/silo-1/undrain", new { });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, gone.StatusCode);
        await cluster.RepairAsync();
        await DoAsync(host, "silos/silo-1/undrain", new { });
        trace.AssertEnd(await TrainingTrace.OfAsync(model, 1), "after a drain");
        status = await model.GetStatusAsync(Cancellation);
        Assert.Empty(status.Drained);
        Assert.Equal(["silo-0", "silo-1", "silo-2"], status.SiloNames.Order());
        Assert.Contains(status.Map!.Ranks()[2], ranks => ranks.Contains(Array.IndexOf(status.SiloNames, "silo-1")));
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_with_its_reason()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.ClearAsync();
        string name = cluster["refused"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await StartAsync(cluster.Client);
        TrainingStatus before = await model.GetStatusAsync(Cancellation);
        foreach ((string path, string body, HttpStatusCode code, string reason) in new[]
        {
            ("models/unknown/snapshot", "{}", HttpStatusCode.NotFound, "There is no model 'unknown'"),
            ("models/%3Cscript%3E/snapshot", "{}", HttpStatusCode.UnprocessableEntity, "<script>"),
            ($"models/{name}/layers/1/gate", """{"topK":1}""", HttpStatusCode.UnprocessableEntity, "layer 1"),
            ($"models/{name}/layers/0/gate", """{"topK":99}""", HttpStatusCode.UnprocessableEntity, "The gate of layer 0 cannot be configured so"),
            ($"models/{name}/layers/0/gate", """{"capacityFactor":"NaN"}""", HttpStatusCode.UnprocessableEntity, "The gate of layer 0 cannot be configured so"),
            ($"models/{name}/layers/0/gate", "{}", HttpStatusCode.UnprocessableEntity, "Say topK, capacityFactor, or both"),
            ($"models/{name}/director", """{"paused":true}""", HttpStatusCode.UnprocessableEntity, "is off"),
            ($"models/{name}/director", """{"on":true,"policy":"magic"}""", HttpStatusCode.UnprocessableEntity, "knows no policy 'magic'"),
            ($"models/{name}/director", """{"on":true,"trigger":"NaN"}""", HttpStatusCode.UnprocessableEntity, "cannot work"),
            ($"models/{name}/move", """{"layer":0,"expert":0,"rank":9}""", HttpStatusCode.Conflict, "9"),
            ($"models/{name}/move", """{"layer":0,"expert":-1,"rank":0}""", HttpStatusCode.UnprocessableEntity, "no expert -1"),
            ($"models/{name}/move", """{"layer":0}""", HttpStatusCode.BadRequest, "expert"),
            ("silos/nobody/drain", "{}", HttpStatusCode.UnprocessableEntity, "There is no silo 'nobody'"),
            ($"models/{name}/snapshot", """{"by":"x","more":1}""", HttpStatusCode.BadRequest, "more"),
            ($"models/{name}/snapshot", "null", HttpStatusCode.BadRequest, "null"),
            ($"models/{name}/snapshot", "{", HttpStatusCode.BadRequest, "not what is expected"),
            ($"models/{name}/snapshot", new string('[', 3000), HttpStatusCode.BadRequest, "not what is expected"),
            ($"models/{name}/snapshot", $$"""{"by":"{{new string('x', 1 << 20)}}"}""", HttpStatusCode.RequestEntityTooLarge, "larger than 4096 bytes"),
        })
        {
            using HttpResponseMessage response = await SendAsync(host, path, new StringContent(body, Encoding.UTF8, "application/json"), Token);
            string text = await response.Content.ReadAsStringAsync(Cancellation);
            Assert.True(code == response.StatusCode, $"{path} {body[..Math.Min(60, body.Length)]}: {response.StatusCode} {text}");
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Contains(reason, JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString()!, StringComparison.Ordinal);
        }

        // The only other silo can go; then there is one.
        await DoAsync(host, "silos/silo-0/drain", new { });
        using (HttpResponseMessage last = await PostAsync(host, "silos/silo-1/drain", new { }))
        {
            Assert.Equal(HttpStatusCode.Conflict, last.StatusCode);
            Assert.Contains("there is no other", await last.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        await DoAsync(host, "silos/silo-0/undrain", new { });
        using HttpResponseMessage plain = await SendAsync(host, $"models/{name}/snapshot", new StringContent("{}", Encoding.UTF8, "text/plain"), Token);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, plain.StatusCode);
        using HttpResponseMessage get = await host.Client.GetAsync($"api/control/models/{name}/snapshot", Cancellation);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        TrainingStatus after = await model.GetStatusAsync(Cancellation);
        Assert.Equal((before.Step, before.Director, before.Gates.Length, 0), (after.Step, after.Director, after.Gates.Length, after.Drained.Length));
        Assert.Contains(host.Log, line => line.Contains($"other settings for the director of {name} is refused: The director knows no policy 'magic'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_the_token_nobody_changes_anything()
    {
        await using DashboardHost off = await DashboardHost.StartAsync(cluster: null);
        Assert.False((await off.AskAsync("about")).GetProperty("hasControl").GetBoolean());
        using (HttpResponseMessage response = await PostAsync(off, "check", new { }))
        {
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }

        await using DashboardHost host = await StartAsync(cluster: null);
        Assert.True((await host.AskAsync("about")).GetProperty("hasControl").GetBoolean());
        using (HttpResponseMessage none = await SendAsync(host, "check", Json(new { }), token: null))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, none.StatusCode);
            Assert.Equal("default-src 'none'", string.Concat(none.Headers.GetValues("Content-Security-Policy")).Split(';')[0]);
        }

        // Of another site, whatever it brings; a page of ours and a program are not.
        foreach ((string header, string value, HttpStatusCode code) in new[]
        {
            ("Origin", "https://attacker.example", HttpStatusCode.Forbidden), ("Origin", "null", HttpStatusCode.Forbidden), ("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden),
            ("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden), ("Origin", host.Address.GetLeftPart(UriPartial.Authority), HttpStatusCode.OK), ("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK),
            ("X-Nothing", "at all", HttpStatusCode.OK),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "api/control/check") { Content = Json(new { }), Headers = { { header, value }, { "MoE-Control-Token", Token } } };
            using HttpResponseMessage response = await host.Client.SendAsync(request, Cancellation);
            Assert.True(code == response.StatusCode, $"{header} {value}: {response.StatusCode}");
        }

        // A few that are wrong, then nobody is heard for a while, and the right one is no other.
        HttpStatusCode[] tries = await Task.WhenAll(Enumerable.Range(0, 40).Select(async number =>
        {
            using HttpResponseMessage response = await SendAsync(host, "check", Json(new { }), string.Create(CultureInfo.InvariantCulture, $"{Token}{number}"));
            return response.StatusCode;
        }));
        Assert.Equal((5, 35), (tries.Count(code => code == HttpStatusCode.Unauthorized), tries.Count(code => code == HttpStatusCode.TooManyRequests)));
        using HttpResponseMessage late = await PostAsync(host, "check", new { });
        Assert.Equal((HttpStatusCode.TooManyRequests, "60"), (late.StatusCode, string.Concat(late.Headers.GetValues("Retry-After"))));
        Assert.Equal(5, host.Log.Count(line => line.StartsWith("Somebody at 127.0.0.1 has asked", StringComparison.Ordinal)));
        Assert.DoesNotContain(host.Log, line => line.Contains(Token, StringComparison.Ordinal));
    }

    private static Task<DashboardHost> StartAsync(MoECluster? cluster) => DashboardHost.StartAsync(cluster, options => options.ControlToken = Token);

    /// <summary>Asks for a change that is done, and says what was.</summary>
    private static async Task<string> DoAsync(DashboardHost host, string path, object change)
    {
        using HttpResponseMessage response = await PostAsync(host, path, change);
        string text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{path}: {response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.GetProperty("done").GetString()!;
    }

    private static Task<HttpResponseMessage> PostAsync(DashboardHost host, string path, object change) => SendAsync(host, path, Json(change), Token);

    private static JsonContent Json(object value) => JsonContent.Create(value);

    private static async Task<HttpResponseMessage> SendAsync(DashboardHost host, string path, HttpContent content, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/control/{path}") { Content = content };
        if (token is not null)
        {
            request.Headers.Add("MoE-Control-Token", token);
        }

        return await host.Client.SendAsync(request, Cancellation);
    }
}
