using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Grains.Durability;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Support;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Orleans.Storage;

namespace MoEActors.Tests.Processes;

/// <summary>What a host's own silo has of a cluster: its storage, its connections, and what keeps it out.</summary>
public sealed class HostedClusterTests(Store store) : IClassFixture<Store>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RedisServer.Garnet)]
    [InlineData(RedisServer.Redis)]
    public async Task Of_a_thousand_racing_writers_exactly_one_wins(string kind)
    {
        const int Writers = 1000;
        using RedisServer? other = kind == RedisServer.Garnet ? null : await RedisServer.StartAsync(kind);
        using IHost host = Build(other ?? store.Redis, "storage", "storage");
        await host.StartAsync(Cancellation);
        IGrainStorage storage = host.Services.GetRequiredKeyedService<IGrainStorage>(MoEClusteringExtensions.Storage);
        GrainId grain = GrainId.Create("run", "m");
        var first = new GrainState<Record>(new Record { Value = -1 });
        await storage.WriteStateAsync("record", grain, first);

        bool[] won = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => TryAsync(writer))));
        var last = new GrainState<Record>();
        await storage.ReadStateAsync("record", grain, last);
        Assert.Equal((1, true), (won.Count(wins => wins), won[last.State!.Value]));

        // What the winner has written is there for whoever reads it next, and its tag is good for one more.
        last.State = new Record { Value = Writers };
        await storage.WriteStateAsync("record", grain, last);
        await host.StopAsync(Cancellation);

        async Task<bool> TryAsync(int writer)
        {
            try
            {
                await storage.WriteStateAsync("record", grain, new GrainState<Record>(new Record { Value = writer }, first.ETag));
                return true;
            }
            catch (InconsistentStateException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_silo_whose_runs_are_its_own_is_no_member_of_a_cluster_of_several_processes()
    {
        using IHost alone = Build(store.Redis, "alone", "alone", KeepToItself);
        await alone.StartAsync(Cancellation);
        using IHost second = Build(store.Redis, "second", "alone", KeepToItself);
        ClusterStartException refused = await Assert.ThrowsAsync<ClusterStartException>(() => second.StartAsync(Cancellation));
        Assert.Contains("IRunStore (InMemoryRunStore) and ICommunicatorProvider (InProcessCommunicatorProvider)", refused.Message, StringComparison.Ordinal);
        Assert.Contains("silo alone", refused.Message, StringComparison.Ordinal);

        // It goes on alone, until one joins that has a right to: then it cannot.
        Assert.False(alone.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        var stopping = new TaskCompletionSource();
        alone.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        using IHost shared = Build(store.Redis, "shared", "alone");
        await shared.StartAsync(Cancellation);
        await Deadline.WithinAsync(stopping.Task, "the silo whose runs are its own has ended");
        await alone.StopAsync(Cancellation);
        await shared.StopAsync(Cancellation);

        static void KeepToItself(ISiloBuilder silo) => silo.Configure<MoEOptions>(moe =>
            (moe.Store, moe.Communicators) = (new InMemoryRunStore(), new InProcessCommunicatorProvider()));
    }

    [Fact]
    public async Task Silos_meet_in_a_server_of_redis_itself_and_keep_their_runs_there()
    {
        using RedisServer redis = await RedisServer.StartAsync(RedisServer.Redis);
        using IHost first = Build(redis, "first", "redis"), second = Build(redis, "second", "redis");
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        var byRedis = new ConnectOptions { Redis = redis.Address, ClusterId = "redis", Secret = MoeProcess.Secret };
        await using (MoECluster cluster = await MoECluster.ConnectAsync(byRedis, cancellationToken: Cancellation))
        {
            MoEModel model = await cluster.CreateModelAsync("m", TrainingRuns.Small, null, Cancellation);
            Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 1), Cancellation)).Step);
            Assert.Equal(["first", "second"], (await model.GetStatusAsync(Cancellation)).SiloNames.Order());

            // One leaves; the other has heard of it, and goes on with what is kept.
            await second.StopAsync(Cancellation);
            Assert.Equal(2, (await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 2), Cancellation)).Step);
            Assert.Equal(["first"], (await model.GetStatusAsync(Cancellation)).SiloNames);
        }

        await first.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_redis_server_that_forgets_is_told_of_and_one_that_throws_away_is_refused()
    {
        using RedisServer forgetful = await RedisServer.StartAsync(RedisServer.Redis, "--appendonly", "yes", "--appendfsync", "everysec");
        RedisSettings settings = await RedisCheck.ReadAsync(RedisAddress.Parse(forgetful.Address), Cancellation);
        Assert.Contains("up to two seconds of acknowledged steps are lost", Assert.Single(settings.Warnings), StringComparison.Ordinal);
        Assert.Null(settings.Refusal);

        using RedisServer wasteful = await RedisServer.StartAsync(
            RedisServer.Redis, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
        using IHost host = Build(wasteful, "refused", "refused");
        ClusterStartException refused = await Assert.ThrowsAsync<ClusterStartException>(() => host.StartAsync(Cancellation));
        Assert.Contains($"Redis at {wasteful.Address} throws away runs and members", refused.Message, StringComparison.Ordinal);

        using RedisServer good = await RedisServer.StartAsync(RedisServer.Redis);
        foreach (RedisServer server in new[] { good, store.Redis })
        {
            settings = await RedisCheck.ReadAsync(RedisAddress.Parse(server.Address), Cancellation);
            Assert.Null(settings.Refusal);
            Assert.Empty(settings.Warnings);
        }
    }

    [Fact]
    public async Task A_host_that_has_a_storage_of_that_name_keeps_it()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo => silo.AddMemoryGrainStorage(MoEClusteringExtensions.Storage).UseMoECluster(cluster => cluster.Redis = "127.0.0.1:1").AddMoE());
        await using ServiceProvider services = builder.Services.BuildServiceProvider();
        Assert.Equal("MemoryGrainStorage", services.GetRequiredKeyedService<IGrainStorage>(MoEClusteringExtensions.Storage).GetType().Name);
    }

    [Fact]
    public async Task What_a_host_is_told_wrongly_is_told_at_once()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo => silo.UseMoECluster(cluster => (cluster.Address, cluster.SiloPort, cluster.Secret) = ("192.0.2.1", 0, "hunter2")).AddMoE());
        using IHost host = builder.Build();
        Exception wrong = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync(Cancellation));
        foreach (string mistake in new[] { "MoECluster:Redis is missing", "MoECluster:SiloPort is 0", "MoECluster:Secret is too short" })
        {
            Assert.Contains(mistake, wrong.Message, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("hunter2", wrong.ToString(), StringComparison.Ordinal);
    }

    /// <summary>As docs/deploy.md has it: both sides show a certificate, and then prove the secret.</summary>
    [Fact]
    public async Task Tls_of_both_sides_goes_beneath_the_handshake()
    {
        using X509Certificate2 ours = NewCertificate();
        using IHost first = Build(store.Redis, "first", "tls", before: silo => UseTls(silo, ours));
        await first.StartAsync(Cancellation);
        using IHost second = Build(store.Redis, "second", "tls", before: silo => UseTls(silo, ours));
        await second.StartAsync(Cancellation);
        IManagementGrain management = second.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);
        Assert.Equal(2, (await management.GetHosts(onlyActive: true, Cancellation)).Count);
        Assert.Equal(2, (await management.GetRuntimeStatistics([], Cancellation)).Length);

        // The secret alone does not do: the certificate is looked at first.
        var bare = new ConnectOptions { Redis = store.Redis.Address, ClusterId = "tls", Secret = MoeProcess.Secret, Deadline = TimeSpan.FromSeconds(3) };
        await Assert.ThrowsAsync<ConnectionFailedException>(() => MoECluster.ConnectAsync(bare, cancellationToken: Cancellation));
        await second.StopAsync(Cancellation);
        await first.StopAsync(Cancellation);

        static void UseTls(ISiloBuilder silo, X509Certificate2 certificate) => silo.UseTls(tls =>
        {
            tls.LocalCertificate = certificate;
            tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            tls.RemoteCertificateValidation = (shown, _, _) => shown.Thumbprint == certificate.Thumbprint;
            tls.OnAuthenticateAsClient = (_, authentication) => authentication.TargetHost = "moe";
        });
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=moe", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), password: null);
    }

    [Fact]
    public async Task The_data_plane_is_configured_as_everything_else_is_and_validated_at_the_start()
    {
        using IHost wrong = Build(new() { ["MaxHandshakes"] = "0", ["ParkingDeadline"] = "-00:00:01" });
        Exception refused = await Assert.ThrowsAnyAsync<Exception>(() => wrong.StartAsync(Cancellation));
        Assert.Contains("MoEDataPlane:MaxHandshakes is 0; it must be at least 1.", refused.Message, StringComparison.Ordinal);
        Assert.Contains("MoEDataPlane:ParkingDeadline is -00:00:01; it must be positive.", refused.Message, StringComparison.Ordinal);
        using IHost unknown = Build(new() { ["MaxHandshake"] = "5" });
        Assert.Contains("MaxHandshake", (await Assert.ThrowsAnyAsync<Exception>(() => unknown.StartAsync(Cancellation))).ToString(), StringComparison.Ordinal);

        using IHost right = Build(new() { ["MaxHandshakes"] = "5", ["HandshakeDeadline"] = "00:00:02" });
        TcpOptions chosen = right.Services.GetRequiredService<IOptions<TcpOptions>>().Value;
        Assert.Equal((5, TimeSpan.FromSeconds(2), "moe", MoeProcess.Secret, 4321), (chosen.MaxHandshakes, chosen.HandshakeDeadline, chosen.ClusterId, chosen.Secret, chosen.Listen.Port));

        static IHost Build(Dictionary<string, string?> plane)
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            builder.Configuration.AddInMemoryCollection(plane.Select(one => KeyValuePair.Create($"{TcpOptions.Section}:{one.Key}", one.Value)));
            builder.UseOrleans(silo => silo.UseMoECluster(cluster => (cluster.Redis, cluster.Secret, cluster.DataPort) = ("127.0.0.1:1", MoeProcess.Secret, 4321)).AddMoE());
            return builder.Build();
        }
    }

    private static IHost Build(RedisServer redis, string name, string cluster, Action<ISiloBuilder>? more = null, Action<ISiloBuilder>? before = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo =>
        {
            before?.Invoke(silo);
            silo.UseMoECluster(options =>
            {
                (options.Redis, options.SiloName, options.ClusterId, options.Secret) = (redis.Address, name, cluster, MoeProcess.Secret);
                (options.SiloPort, options.GatewayPort) = (Ports.Free(), Ports.Free());
            });
            silo.AddMoE();

            // Silos of this process that took each other for dead, on a busy machine, would end it.
            silo.Configure<ClusterMembershipOptions>(membership => membership.ProbeTimeout = membership.MaxProbeTimeout = TimeSpan.FromSeconds(10));
            more?.Invoke(silo);
        });
        return builder.Build();
    }

    /// <summary>Something to keep.</summary>
    [GenerateSerializer, Alias("moe.tests.record")]
    internal sealed class Record
    {
        [Id(0)]
        public int Value { get; set; }
    }
}
