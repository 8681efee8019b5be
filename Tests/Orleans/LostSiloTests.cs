using Microsoft.Extensions.DependencyInjection;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Embedded;

namespace MoEActors.Tests.Orleans;

/// <summary>A silo of a process that cannot go on ends as soon as it is one of several.</summary>
public sealed class LostSiloTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_last_one_stays_until_another_has_come()
    {
        await using EmbeddedSilos silos = await EmbeddedSilos.StartAsync(new EmbeddedSilosOptions { Count = 1 }, Cancellation);
        EmbeddedSilo lost = silos.Silos.Single();
        await EndAsync(lost);
        Assert.Same(lost, silos.Silos.Single());
        EmbeddedSilo next = await silos.AddAsync(Cancellation);
        Assert.Same(next, silos.Silos.Single());
    }

    [Fact]
    public async Task When_all_are_lost_at_once_one_stays_and_the_cluster_ends_with_nothing_left()
    {
        EmbeddedSilos silos = await EmbeddedSilos.StartAsync(new EmbeddedSilosOptions { Count = 3 }, Cancellation);
        Task ends = Task.WhenAll(silos.Silos.Select(EndAsync));
        Assert.Single(silos.Silos);
        await silos.DisposeAsync();
        Assert.Empty(silos.Silos);
        Assert.True(ends.IsCompleted);
    }

    private static Task EndAsync(EmbeddedSilo silo) => silo.Services.GetRequiredService<SharedProcess>().EndAsync(silo.Address);
}
