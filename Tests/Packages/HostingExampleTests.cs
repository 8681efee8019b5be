using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
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
        using var folder = new TemporaryFolder();
        string root = Path.Combine(folder.Path, "made", "here");
        using ChildProcess host = Start("WebHost", "--urls", "http://127.0.0.1:0", $"--MoE:CheckpointRoot={root}", "--MoE:SnapshotInterval=1");
        using var http = new HttpClient { BaseAddress = new Uri((await host.SaysAsync(@"Now listening on: (\S+)")).Groups[1].Value) };

        using JsonDocument steps = JsonDocument.Parse(await PostAsync(http, "models/mine/steps?count=3"));
        Assert.Equal([1, 2, 3], steps.RootElement.EnumerateArray().Select(step => step.GetProperty("step").GetInt64()));
        using JsonDocument status = JsonDocument.Parse(await http.GetStringAsync("models/mine", Cancellation));
        Assert.Equal((3, 2), (status.RootElement.GetProperty("step").GetInt64(), status.RootElement.GetProperty("workers").GetInt32()));
        Assert.Equal("Healthy", await http.GetStringAsync("health", Cancellation));
        foreach ((string method, string path, int code, string message) in new[]
        {
            ("GET", "models/no-such", 404, "There is no model 'no-such'. Create it first."),
            ("GET", "models/a%20b", 400, "'a b'"),
            ("POST", "models/a%20b/steps?count=1", 400, "'a b'"),
            ("POST", "models/mine/steps", 400, "count"),
            ("POST", "models/mine/steps?count=many", 400, "many"),
            ("POST", "models/mine/steps?count=-1", 400, "count is -1; at least one step can be trained."),
        })
        {
            using var asked = new HttpRequestMessage(new HttpMethod(method), path);
            using HttpResponseMessage refused = await http.SendAsync(asked, Cancellation);
            string body = await refused.Content.ReadAsStringAsync(Cancellation);
            Assert.True((int)refused.StatusCode == code, $"{method} {path}: {(int)refused.StatusCode} {body}");
            using JsonDocument problem = JsonDocument.Parse(body);
            Assert.Contains(message, problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
        Assert.Matches("(?m)^moe_steps_total\\{.*model=\"mine\".*\\} 3\\b", await http.GetStringAsync("metrics", Cancellation));

        // A request that would train for hours is at work when the host is asked to end.
        using var request = new HttpRequestMessage(HttpMethod.Post, "models/mine/steps?count=1000000");
        using HttpResponseMessage training = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using Stream said = await training.Content.ReadAsStreamAsync(Cancellation);
        byte[] beginning = new byte[16];
        await said.ReadExactlyAsync(beginning, Cancellation);
        host.Terminate();

        // The answer ends as JSON does, and says why; nothing of it is told as an error.
        using var rest = new MemoryStream();
        await said.CopyToAsync(rest, Cancellation);
        using JsonDocument answer = JsonDocument.Parse(new ReadOnlyMemory<byte>([.. beginning, .. rest.ToArray()]));
        JsonElement[] told = [.. answer.RootElement.EnumerateArray()];
        Assert.Equal("the host stops", told[^1].GetProperty("ended").GetString());
        Assert.Equal(told[^2].GetProperty("step").GetInt64(), told[^1].GetProperty("step").GetInt64());
        Assert.Equal(0, await host.EndAsync());
        Assert.DoesNotContain("shutdown", host.Output, StringComparison.OrdinalIgnoreCase);
        AssertQuiet(host);

        // Nobody could use its snapshots: its runs were in its memory.
        Assert.True(Directory.Exists(root));
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
    }

    [Fact]
    public async Task A_second_host_on_the_same_ports_is_refused_and_names_them()
    {
        string[] ports = [Setting("Silo"), Setting("Gateway")];
        using ChildProcess first = StartOn(ports, "WebHost", "--urls", "http://127.0.0.1:0");
        await first.SaysAsync("Application started");
        using ChildProcess second = StartOn(ports, "WebHost", "--urls", "http://127.0.0.1:0");
        Assert.NotEqual(0, await second.EndAsync());
        string silo = ports[0].Split('=')[1], gateway = ports[1].Split('=')[1];
        Assert.Contains($"127.0.0.1:{silo} is in use (EndpointOptions.SiloPort). 127.0.0.1:{gateway} is in use (EndpointOptions.GatewayPort).", second.Output, StringComparison.Ordinal);
        first.Terminate();
        Assert.Equal(0, await first.EndAsync());
    }

    [Fact]
    public async Task A_host_that_is_told_nonsense_says_all_of_it()
    {
        using ChildProcess host = Start(
            "WebHost", "--urls", "http://127.0.0.1:0", "--MoE:Devises=2", "--MoE:ThreadsPerDevice=four", "--MoE:SnapshotInterval=-1", "--MoE:ExpertKinds:0=mine", "--MoE:Device:0=cpu");
        Assert.NotEqual(0, await host.EndAsync());
        foreach (string mistake in new[]
        {
            "MoE:Devises is not known. Did you mean Devices?", "MoE:ThreadsPerDevice is 'four'; it must be a whole number", "MoE:SnapshotInterval is -1; it must be at least 1 step",
            "MoE:ExpertKinds can only be set in code.", "MoE:Device has parts; it must be a text.",
        })
        {
            Assert.Contains(mistake, host.Output, StringComparison.Ordinal);
        }
    }

    /// <summary>The levels of the guide are those of the examples, and leave nothing that is no concern of whoever reads the log.</summary>
    [Fact]
    public void The_levels_of_the_guide_are_those_of_the_examples()
    {
        string docs = Path.Combine(AppContext.BaseDirectory, "Docs");
        string guide = Regex.Match(File.ReadAllText(Path.Combine(docs, "hosting.md")).ReplaceLineEndings("\n"), "```json\n(\\{\n  \"Logging\".*?)```", RegexOptions.Singleline).Groups[1].Value;
        using JsonDocument levels = JsonDocument.Parse(guide);
        foreach (string example in new[] { "WebHost", "TrainingWorker" })
        {
            using JsonDocument settings = JsonDocument.Parse(File.ReadAllText(Path.Combine(FolderOf(example), "appsettings.json")));
            Assert.True(JsonElement.DeepEquals(levels.RootElement.GetProperty("Logging"), settings.RootElement.GetProperty("Logging")), example);
        }
    }

    [Fact]
    public void The_program_of_the_guide_is_in_the_example()
    {
        string docs = Path.Combine(AppContext.BaseDirectory, "Docs");
        string guide = File.ReadAllText(Path.Combine(docs, "hosting.md")).ReplaceLineEndings("\n");
        string program = Regex.Matches(guide, "```csharp\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value).Single(text => text.Contains("NextAsync(", StringComparison.Ordinal));
        Assert.Contains(program, File.ReadAllText(Path.Combine(docs, "WebHost.cs")).ReplaceLineEndings("\n"), StringComparison.Ordinal);
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
        AssertQuiet(second);
    }

    /// <summary>No error, and none of the warnings that come at every start. Others are left: on a machine that is busy with something else Orleans says so, and is right.</summary>
    private static void AssertQuiet(ChildProcess host) =>
        Assert.DoesNotContain(host.Output.Split('\n'), line => Regex.IsMatch(line, @"^(fail|crit):|^warn: (Orleans\.Runtime\.(Watchdog|Silo)|Microsoft)\b"));

    private static long Number(Match match) => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    private static async Task<string> PostAsync(HttpClient http, string path)
    {
        using HttpResponseMessage response = await http.PostAsync(new Uri(path, UriKind.Relative), content: null, Cancellation);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation);
    }

    private static ChildProcess Start(string example, params string[] arguments) => StartOn([Setting("Silo"), Setting("Gateway")], example, arguments);

    // As `dotnet run`: in the folder of its appsettings.json.
    private static ChildProcess StartOn(string[] ports, string example, params string[] arguments) =>
        ChildProcess.Start("dotnet", FolderOf(example), [$"MoEActors.{example}.dll", .. ports, .. arguments]);

    private static string FolderOf(string example) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", example, "release"));

    private static string Setting(string port) => string.Create(CultureInfo.InvariantCulture, $"--Ports:{port}={Ports.Free()}");
}
