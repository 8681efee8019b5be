using Microsoft.Extensions.DependencyInjection;
using MoEActors.Client;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Client;

/// <summary>Ways to a cluster.</summary>
public sealed partial class ConnectionTests
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_is_a_client_already_offers_the_sdk_as_a_service()
    {
        await using TrainingCluster cluster = await TrainingCluster.StartAsync(1);
        await using ServiceProvider services = new ServiceCollection().AddSingleton(cluster.Silos.Client).AddMoEClient().BuildServiceProvider();
        MoEModel model = await services.GetRequiredService<MoECluster>().CreateModelAsync("m", Run, null, Cancellation);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }
}
