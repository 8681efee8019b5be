using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>Silos in processes of their own: they join, are found, die, come back, and keep others out.</summary>
public sealed class SiloProcessTests
{
    /// <summary>Between two questions: whoever asks without a pause takes the cores from who is asked.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly HttpClient Http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RedisServer.Garnet)]
    [InlineData(RedisServer.Redis)]
    public async Task Silos_of_several_processes_are_one_cluster_that_clients_find_and_that_outlives_each_of_them(string kind)
    {
        using RedisServer redis = await RedisServer.StartAsync(kind);
        using SiloProcess first = await MoeProcess.StartSilo(redis.Address, "one").IsActiveAsync();
        using SiloProcess second = await MoeProcess.StartSilo(redis.Address, "two").IsActiveAsync();
        await AgreeAsync(2, first, second);

        // Found through Redis, and through the gateways of silos of which one will do.
        var byRedis = new ConnectOptions { Redis = redis.Address, Secret = MoeProcess.Secret };
        var byGateways = new ConnectOptions { Gateways = [first.Gateway, second.Gateway], Secret = MoeProcess.Secret };
        foreach (ConnectOptions options in new[] { byRedis, byGateways })
        {
            await using MoECluster cluster = await MoECluster.ConnectAsync(options, cancellationToken: Cancellation);
            Assert.Empty(await cluster.ListModelsAsync(Cancellation));
        }

        // One dies as a process does, without a word; the other hears of it, and clients are served.
        await using MoECluster client = await MoECluster.ConnectAsync(byGateways, cancellationToken: Cancellation);
        second.Process.Signal("KILL");
        await second.Process.EndAsync();
        await AgreeAsync(1, first);
        await AnswersAsync(client);

        if (kind == RedisServer.Redis)
        {
            return;
        }

        // It comes back under its name, at another place, and leaves in order.
        using SiloProcess again = await MoeProcess.StartSilo(redis.Address, "two").IsActiveAsync();
        await AgreeAsync(2, first, again);
        again.Process.Terminate();
        Assert.Equal(0, await again.Process.EndAsync());
        await AgreeAsync(1, first);
        Assert.DoesNotContain(MoeProcess.Secret, first.Process.Output + second.Process.Output + again.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_trains_for_clients_outside_tells_its_health_and_has_no_secret_where_others_look()
    {
        using RedisServer redis = await RedisServer.StartAsync(RedisServer.Garnet);
        using SiloProcess silo = await MoeProcess.StartSilo(redis.Address, "alone", more: ["--log-level", "debug"]).IsActiveAsync();
        Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(silo.Health("/health/live"), Cancellation)).StatusCode);
        Assert.Equal(1, await ActiveAsync(silo));
        await using (MoECluster cluster = await MoECluster.ConnectAsync(
            new ConnectOptions { Redis = redis.Address, Secret = MoeProcess.Secret }, cancellationToken: Cancellation))
        {
            RunConfiguration run = TrainingRuns.Small;
            MoEModel model = await cluster.CreateModelAsync("m", run, null, Cancellation);
            Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation)).Step);
            Assert.Equal(["m"], (await cluster.ListModelsAsync(Cancellation)).Select(one => one.Name));
            Assert.Equal((1, "alone"), ((await cluster.GetStatusAsync("m", Cancellation)).Step, (await cluster.GetStatusAsync("m", Cancellation)).SiloNames[0]));
        }

        // Every event is a line that begins with the silo's name; no line has the secret, nor has the list of processes.
        silo.Process.Terminate();
        Assert.Equal(0, await silo.Process.EndAsync());
        string[] lines = silo.Process.Output.Split('\n');
        Assert.All(lines, line => Assert.Matches(@"^alone \d\d:\d\d:\d\d\.\d{3} (dbug|info|warn|fail|crit): ", line));
        Assert.Contains(lines, line => line.Contains("has left its cluster", StringComparison.Ordinal));
        Assert.DoesNotContain(MoeProcess.Secret, silo.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Others_are_kept_out()
    {
        using RedisServer redis = await RedisServer.StartAsync(RedisServer.Garnet);
        using SiloProcess member = await MoeProcess.StartSilo(redis.Address, "member").IsActiveAsync();

        // A client with another secret or with none; a process that says something else.
        ConnectionFailedException other = await Assert.ThrowsAsync<ConnectionFailedException>(() => ConnectAsync(redis, "another secret, as long"));
        Assert.Contains("does not have this cluster's secret", other.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConnectionFailedException>(() => ConnectAsync(redis, secret: null));
        using (var stranger = new TcpClient())
        {
            await stranger.ConnectAsync(IPEndPoint.Parse(member.Gateway), Cancellation);
            NetworkStream stream = stranger.GetStream();
            await stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Cancellation);
            Assert.Equal(0, await stream.ReadAsync(new byte[16], Cancellation));
        }

        // A silo with another secret, and one of the same name, end with 1 and say why.
        using SiloProcess foreign = MoeProcess.StartSilo(redis.Address, "foreign", new Dictionary<string, string> { ["MOE_SECRET"] = "another secret, as long" });
        using SiloProcess twin = MoeProcess.StartSilo(redis.Address, "member");
        Assert.Equal(1, await twin.Process.EndAsync());
        Assert.Contains("There is a silo named member already", twin.Process.Output, StringComparison.Ordinal);
        Assert.Equal(1, await foreign.Process.EndAsync());
        Assert.Contains("moe silo: Silo foreign cannot be a member of a cluster with silo member", foreign.Process.Output, StringComparison.Ordinal);
        Assert.Contains("it does not have this cluster's secret", foreign.Process.Output, StringComparison.Ordinal);

        // The member has told of each, and is none the worse.
        Assert.Contains("(Malformed)", member.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("another secret", member.Process.Output + foreign.Process.Output, StringComparison.Ordinal);
        await using MoECluster cluster = await ConnectAsync(redis, MoeProcess.Secret);
        Assert.Empty(await cluster.ListModelsAsync(Cancellation));
        await AgreeAsync(1, member);
    }

    [Fact]
    public async Task A_silo_that_cannot_start_says_why()
    {
        using SiloProcess lost = MoeProcess.StartSilo($"127.0.0.1:{Ports.Free()}", "lost");
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        CommandLineRun crowded = await CommandLineRun.Of("silo", "--redis", "127.0.0.1:1", "--silo-port", port);
        Assert.Equal((1, $"moe silo: 127.0.0.1:{port} is in use; choose another with --silo-port."), (crowded.ExitCode, crowded.Error.Trim()));
        CommandLineRun exposed = await CommandLineRun.Of("silo", "--redis", "127.0.0.1:1", "--listen-address", "0.0.0.0");
        Assert.Equal(2, exposed.ExitCode);
        Assert.Contains("$.secretFile in the file) is missing: other machines can reach this silo", exposed.Error, StringComparison.Ordinal);
        Assert.Equal(1, await lost.Process.EndAsync());
        Assert.Matches("moe silo: Redis at 127.0.0.1:[0-9]+ does not answer as it should: ", lost.Process.Output);
    }

    private static Task<MoECluster> ConnectAsync(RedisServer redis, string? secret) => MoECluster.ConnectAsync(
        new ConnectOptions { Redis = redis.Address, Secret = secret, Deadline = TimeSpan.FromSeconds(6) }, cancellationToken: Cancellation);

    /// <summary>Waits until silos agree how many of them there are.</summary>
    private static Task AgreeAsync(int count, params SiloProcess[] silos) => Deadline.UntilAsync(
        async () =>
        {
            await Task.Delay(Pause, Cancellation);
            return (await Task.WhenAll(silos.Select(ActiveAsync))).All(active => active == count);
        },
        $"silos take {count} for active");

    private static async Task<int> ActiveAsync(SiloProcess silo)
    {
        using JsonDocument health = JsonDocument.Parse(await Http.GetStringAsync(silo.Health("/health/ready"), Cancellation));
        Assert.Equal(("healthy", silo.Name), (health.RootElement.GetProperty("status").GetString(), health.RootElement.GetProperty("silo").GetString()));
        return health.RootElement.GetProperty("active_silos").GetInt32();
    }

    /// <summary>Waits until a client is served, whichever of its gateways has died.</summary>
    private static Task AnswersAsync(MoECluster cluster) => Deadline.UntilAsync(
        async () =>
        {
            try
            {
                await Task.Delay(Pause, Cancellation);
                await cluster.ListModelsAsync(Cancellation);
                return true;
            }
            catch (Exception e) when (e is TimeoutException or OrleansException)
            {
                return false;
            }
        },
        "the client is served");
}
