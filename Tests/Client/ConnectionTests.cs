using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Modules.Models;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Processes;
using MoEActors.Tests.Support;
using Orleans.Configuration;

namespace MoEActors.Tests.Client;

/// <summary>Ways to a cluster.</summary>
public sealed class ConnectionTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_is_a_client_already_offers_the_sdk_as_a_service()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        await using ServiceProvider services = new ServiceCollection().AddSingleton(cluster.Silos.Client).AddMoEClient().BuildServiceProvider();
        MoEModel model = await services.GetRequiredService<MoECluster>().CreateModelAsync(cluster["m"], Run, null, Cancellation);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }

    [Fact]
    public async Task A_client_finds_a_silo_through_redis_and_trains()
    {
        using RedisServer redis = await RedisServer.StartAsync(RedisServer.Redis);
        using IHost silo = await StartSiloAsync(redis.Address);
        await using (MoECluster cluster = await MoECluster.ConnectAsync(new ConnectOptions { Redis = redis.Address }, cancellationToken: Cancellation))
        {
            MoEModel model = await cluster.CreateModelAsync("m", Run, null, Cancellation);
            Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
        }

        ConnectionFailedException failed = await Assert.ThrowsAsync<ConnectionFailedException>(() => MoECluster.ConnectAsync(
            new ConnectOptions { Redis = redis.Address, ClusterId = "other", Deadline = TimeSpan.FromSeconds(1) }, cancellationToken: Cancellation));
        Assert.Contains("'other'", failed.Message, StringComparison.Ordinal);
        await silo.StopAsync(Cancellation);
    }

    private static async Task<IHost> StartSiloAsync(string redis)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo =>
        {
            silo.UseRedisClustering(redis);
            silo.ConfigureEndpoints(IPAddress.Loopback, Ports.Free(), Ports.Free());
            silo.Services.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = ("moe", "moe"));
            silo.AddMoE();
        });
        IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        return host;
    }
}
