using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Client;

/// <summary>What a name that nobody created comes to, and what a checkpoint says of itself.</summary>
public sealed class MissingModelTests
{
    [Fact]
    public async Task A_model_or_layer_that_does_not_exist_is_named()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        string name = cluster["nobody"];
        foreach (Func<Task> ask in new Func<Task>[]
        {
            () => cluster.Client.OpenModelAsync(name, cancellation),
            () => cluster.Client.OpenLayerAsync(name, cancellation),
        })
        {
            ModelNotFoundException missing = await Assert.ThrowsAsync<ModelNotFoundException>(ask);
            Assert.Equal(name, missing.Model);
            Assert.Contains($"There is no model '{name}'", missing.Message, StringComparison.Ordinal);
        }

        MoEModel found = await cluster.Client.CreateModelAsync(name, TrainingRuns.Small, null, cancellation);
        Assert.Equal(found.Name, (await cluster.Client.OpenModelAsync(name, cancellation)).Name);
    }

    [Fact]
    public void A_saved_checkpoint_says_where_it_is_and_how_large() =>
        Assert.Equal("/runs/a: 1.5 MiB of tensors", new SaveOutcome("/runs/a", 3 << 19).ToString());
}
