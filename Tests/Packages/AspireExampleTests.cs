using System.Globalization;
using System.Text.Json;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Processes;

namespace MoEActors.Tests.Packages;

/// <summary>The AppHost under docs/examples, as far as that goes without a container engine: what it would start, and that a silo is told enough by it.</summary>
public sealed class AspireExampleTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_silo_finds_redis_by_what_the_app_host_tells_it_and_trains()
    {
        using JsonDocument manifest = await PublishAsync(new Dictionary<string, string>());
        JsonElement resources = manifest.RootElement.GetProperty("resources");
        string redis = resources.GetProperty("redis").GetProperty("args")[1].GetString()!;
        foreach (string setting in new[] { "--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction" })
        {
            Assert.Contains(setting, redis, StringComparison.Ordinal);
        }

        using RedisServer server = await RedisServer.StartAsync(RedisServer.Redis);
        using var folder = new TemporaryFolder();
        Dictionary<string, string> told = resources.GetProperty("silo").GetProperty("env").EnumerateObject()
            .Where(value => value.Name.StartsWith("Orleans__", StringComparison.Ordinal) && !value.Name.Contains("Endpoints", StringComparison.Ordinal))
            .ToDictionary(value => value.Name, value => value.Value.GetString()!);
        Assert.DoesNotContain(told.Values, value => value.Contains('{', StringComparison.Ordinal));
        told["ConnectionStrings__redis"] = server.Address;
        told["Orleans__Endpoints__AdvertisedIPAddress"] = "127.0.0.1";
        told["Orleans__Endpoints__SiloPort"] = Support.Ports.Free().ToString(CultureInfo.InvariantCulture);
        told["Orleans__Endpoints__GatewayPort"] = Support.Ports.Free().ToString(CultureInfo.InvariantCulture);
        told["MoE__CheckpointRoot"] = folder.Path;
        told["DataPlane__Secret"] = "a secret of silos in a test";
        using ChildProcess silo = ChildProcess.Start("dotnet", FolderOf("AspireSilo"), told, ["MoEActors.AspireSilo.dll", "--urls", "http://127.0.0.1:0"]);
        using var http = new HttpClient { BaseAddress = new Uri((await silo.SaysAsync(@"Now listening on: (\S+)")).Groups[1].Value) };
        using HttpResponseMessage trained = await http.PostAsync(new Uri("models/mine/steps?count=3", UriKind.Relative), content: null, Cancellation);
        using JsonDocument answer = JsonDocument.Parse(await trained.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(3, answer.RootElement.GetProperty("step").GetInt64());
        silo.Terminate();
        Assert.Equal(0, await silo.EndAsync());
    }

    [Fact]
    public async Task A_redis_that_is_there_already_takes_the_place_of_the_container()
    {
        using JsonDocument manifest = await PublishAsync(new Dictionary<string, string> { ["ConnectionStrings__redis"] = "localhost:6379" });
        JsonElement resources = manifest.RootElement.GetProperty("resources");
        Assert.DoesNotContain(resources.EnumerateObject(), resource => resource.Value.GetProperty("type").GetString() == "container.v0");
        Assert.Equal("Redis", resources.GetProperty("silo").GetProperty("env").GetProperty("Orleans__Clustering__ProviderType").GetString());
    }

    private static async Task<JsonDocument> PublishAsync(Dictionary<string, string> environment)
    {
        using var folder = new TemporaryFolder();
        string manifest = Path.Combine(folder.Path, "manifest.json");
        using ChildProcess host = ChildProcess.Start("dotnet", folder.Path, environment, [Path.Combine(FolderOf("AspireHost"), "MoEActors.AspireHost.dll"), "--publisher", "manifest", "--output-path", manifest]);
        Assert.True(await host.EndAsync() == 0, host.Output);
        return JsonDocument.Parse(await File.ReadAllTextAsync(manifest, Cancellation));
    }

    private static string FolderOf(string example) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", example, "release"));
}
