using System.Globalization;
using System.Text.Json;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Packages;

/// <summary>The hosts under docs/examples, in processes of their own: they train, they tell how they are, and they end when they are asked to.</summary>
public sealed class HostingExampleTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_web_host_trains_says_how_it_is_and_ends_while_a_request_trains()
    {
        using ChildProcess host = Start("WebHost", "--urls", "http://127.0.0.1:0");
        using var http = new HttpClient { BaseAddress = new Uri((await host.SaysAsync(@"Now listening on: (\S+)")).Groups[1].Value) };

        using JsonDocument steps = JsonDocument.Parse(await PostAsync(http, "models/mine/steps?count=3"));
        Assert.Equal([1, 2, 3], steps.RootElement.EnumerateArray().Select(step => step.GetProperty("step").GetInt64()));
        using JsonDocument status = JsonDocument.Parse(await http.GetStringAsync("models/mine", Cancellation));
        Assert.Equal((3, 2), (status.RootElement.GetProperty("step").GetInt64(), status.RootElement.GetProperty("workers").GetInt32()));
        Assert.Equal("Healthy", await http.GetStringAsync("health", Cancellation));

        // A request that would train for hours is at work when the host is asked to end.
        using var request = new HttpRequestMessage(HttpMethod.Post, "models/mine/steps?count=1000000");
        using HttpResponseMessage training = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using Stream said = await training.Content.ReadAsStreamAsync(Cancellation);
        Assert.NotEqual(0, await said.ReadAsync(new byte[16], Cancellation));
        host.Terminate();
        Assert.Equal(0, await host.EndAsync());
        Assert.DoesNotContain("shutdown", host.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_worker_that_is_asked_to_end_saves_and_goes_on_from_there()
    {
        using var folder = new TemporaryFolder();
        string text = folder.Write("text.txt", string.Concat(Enumerable.Range(0, 300).Select(i => $"{i} and {i + 1} follow each other.\n")));
        string[] settings = [$"--Training:Text:0={text}", $"--Training:Checkpoint={Path.Combine(folder.Path, "checkpoint")}"];
        using ChildProcess first = Start("TrainingWorker", [.. settings, "--Training:Steps=1000000"]);
        await first.SaysAsync("step 3: loss ");
        first.Terminate();
        long saved = Number(await first.SaysAsync("saved after step ([0-9]+) "));
        Assert.Equal(0, await first.EndAsync());

        using ChildProcess second = Start("TrainingWorker", [.. settings, string.Create(CultureInfo.InvariantCulture, $"--Training:Steps={saved + 2}")]);
        Assert.Equal(saved + 1, Number(await second.SaysAsync("step ([0-9]+): loss ")));
        Assert.Equal(saved + 2, Number(await second.SaysAsync("saved after step ([0-9]+) ")));
        Assert.Equal(0, await second.EndAsync());
    }

    private static long Number(System.Text.RegularExpressions.Match match) => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    private static async Task<string> PostAsync(HttpClient http, string path)
    {
        using HttpResponseMessage response = await http.PostAsync(new Uri(path, UriKind.Relative), content: null, Cancellation);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
    }

    private static ChildProcess Start(string example, params string[] arguments)
    {
        // As `dotnet run`: in the folder of its appsettings.json.
        string folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", example, "release"));
        return ChildProcess.Start("dotnet", folder, [$"MoEActors.{example}.dll", Setting("Silo"), Setting("Gateway"), .. arguments]);
    }

    private static string Setting(string port) => string.Create(CultureInfo.InvariantCulture, $"--Ports:{port}={Ports.Free()}");
}
