using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>Silos in processes of their own: they join, are found, die, come back, and keep others out.</summary>
[Collection(ProcessClusterTests.Name)]
public sealed class SiloProcessTests(ProcessCluster cluster)
{
    /// <summary>Between two questions: whoever asks without a pause takes the cores from who is asked.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly HttpClient Http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silos_of_several_processes_are_one_cluster_that_clients_find_and_that_outlives_each_of_them()
    {
        using SiloProcess third = await MoeProcess.StartSilo(cluster.Redis.Address, "three").IsActiveAsync();
        await AgreeAsync(3, cluster.One, cluster.Two, third);

        // Found through Redis, and through the gateways of silos of which one will do.
        var byGateways = new ConnectOptions { Gateways = [cluster.One.Gateway, third.Gateway], Secret = MoeProcess.Secret };
        foreach (ConnectOptions options in new[] { cluster.ByRedis, byGateways })
        {
            await using MoECluster found = await MoECluster.ConnectAsync(options, cancellationToken: Cancellation);
            Assert.Empty(await found.ListModelsAsync(Cancellation));
        }

        // One dies as a process does, without a word; the others hear of it, and clients are served.
        await using MoECluster client = await MoECluster.ConnectAsync(byGateways, cancellationToken: Cancellation);
        third.Process.Signal("KILL");
        await third.Process.EndAsync();
        await AgreeAsync(2, cluster.One, cluster.Two);
        await AnswersAsync(client);

        // It comes back under its name, at another place, and leaves in order. All that it says are events: lines that begin with its name.
        using SiloProcess again = await MoeProcess.StartSilo(cluster.Redis.Address, "three", more: ["--log-level", "debug"]).IsActiveAsync();
        await AgreeAsync(3, cluster.One, cluster.Two, again);
        again.Process.Terminate();
        Assert.Equal(0, await again.Process.EndAsync());
        await AgreeAsync(2, cluster.One, cluster.Two);
        string[] lines = again.Process.Output.Split('\n');
        Assert.All(lines, line => Assert.Matches(@"^three \d\d:\d\d:\d\d\.\d{3} (dbug|info|warn|fail|crit): ", line));
        Assert.Contains(lines, line => line.Contains("has left its cluster", StringComparison.Ordinal));
        Assert.All([cluster.One, third, again], silo => Assert.DoesNotContain(MoeProcess.Secret, silo.Process.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task They_train_for_clients_outside_and_tell_their_health()
    {
        Assert.Equal(HttpStatusCode.OK, (await Http.GetAsync(cluster.One.Health("/health/live"), Cancellation)).StatusCode);
        await AgreeAsync(2, cluster.One);
        await using MoECluster client = await cluster.ConnectAsync();
        RunConfiguration run = TrainingRuns.Small;
        MoEModel model = await client.CreateModelAsync("m", run, null, Cancellation);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation)).Step);
        Assert.Equal(["m"], (await client.ListModelsAsync(Cancellation)).Select(one => one.Name));
        TrainingStatus status = await client.GetStatusAsync("m", Cancellation);
        Assert.Equal(1, status.Step);
        Assert.Equal(["one", "two"], status.SiloNames.Order());
        await client.DeleteModelAsync("m", Cancellation);
    }

    [Fact]
    public async Task Others_are_kept_out()
    {
        // Silos with another secret, and of the same name: they end with 1 and say why.
        using SiloProcess foreign = MoeProcess.StartSilo(
            cluster.Redis.Address, "foreign", new Dictionary<string, string> { ["MOE_SECRET"] = "another secret, as long" });
        using SiloProcess twin = MoeProcess.StartSilo(cluster.Redis.Address, "two");

        // A client with another secret or with none; a process that says something else.
        ConnectionFailedException other = await Assert.ThrowsAsync<ConnectionFailedException>(() => ConnectAsync("another secret, as long"));
        Assert.Contains("does not have this cluster's secret", other.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConnectionFailedException>(() => ConnectAsync(secret: null));
        using (var stranger = new TcpClient())
        {
            await stranger.ConnectAsync(IPEndPoint.Parse(cluster.One.Gateway), Cancellation);
            NetworkStream stream = stranger.GetStream();
            await stream.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Cancellation);
            Assert.Equal(0, await stream.ReadAsync(new byte[16], Cancellation));
        }

        Assert.Equal(1, await twin.Process.EndAsync());
        Assert.Contains("There is a silo named two already", twin.Process.Output, StringComparison.Ordinal);
        Assert.Equal(1, await foreign.Process.EndAsync());
        Assert.Matches("moe silo: Silo foreign cannot be a member of a cluster with silo (one|two)", foreign.Process.Output);
        Assert.Contains("it does not have this cluster's secret", foreign.Process.Output, StringComparison.Ordinal);

        // The members have told of each, and are none the worse.
        Assert.Contains("(Malformed)", cluster.One.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("another secret", cluster.One.Process.Output + cluster.Two.Process.Output + foreign.Process.Output, StringComparison.Ordinal);
        await using MoECluster client = await cluster.ConnectAsync();
        Assert.Empty(await client.ListModelsAsync(Cancellation));
        await AgreeAsync(2, cluster.One, cluster.Two);
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

    private Task<MoECluster> ConnectAsync(string? secret) => MoECluster.ConnectAsync(
        cluster.ByRedis with { Secret = secret, Deadline = TimeSpan.FromSeconds(3) }, cancellationToken: Cancellation);

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
