using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: the director of a grain's strategy picks its silo, asked on the caller's silo, outside of any grain.</summary>
public sealed class PlacementTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task A_grain_is_activated_where_its_director_says()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        foreach (EmbeddedSilo silo in silos.Silos)
        {
            string key = Gate.NewName();
            PinnedPlacementDirector.Map[key] = silo.Address;
            Assert.Equal(silo.Address, await silos.Client.GetGrain<IPinnedGrain>(key).Where());
        }
    }

    [Fact]
    public async Task The_director_is_asked_once_on_the_callers_silo_with_its_request_context()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        EmbeddedSilo caller = silos.Silos[1];
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silos.Silos[2].Address;
        IPinnedGrain grain = caller.Grains().GetGrain<IPinnedGrain>(key);

        RequestContext.Set("color", "blue");
        await grain.Where();
        await grain.Where();
        RequestContext.Clear();

        PinnedPlacementDirector.Question asked = Assert.Single(PinnedPlacementDirector.Questions, question => question.Key == key);
        Assert.Equal(new PinnedPlacementDirector.Question(key, caller.Address, "blue", true), asked);
    }

    [Fact]
    public async Task A_call_from_a_grain_asks_on_the_grains_silo()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        (string first, string second) = (Gate.NewName(), Gate.NewName());
        PinnedPlacementDirector.Map[first] = silos.Silos[2].Address;
        PinnedPlacementDirector.Map[second] = silos.Silos[1].Address;

        SiloAddress where = await silos.Client.GetGrain<IPinnedGrain>(first).AskFrom(silos.Client.GetGrain<IPinnedGrain>(second));

        Assert.Equal(silos.Silos[1].Address, where);
        Assert.Equal(
            silos.Silos[2].Address,
            Assert.Single(PinnedPlacementDirector.Questions, question => question.Key == second).AskedOn);
    }

    [Fact]
    public async Task A_hint_is_for_the_director_to_honour()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        IPinnedGrain grain = silos.Client.GetGrain<IPinnedGrain>(Gate.NewName());

        RequestContext.Set(IPlacementDirector.PlacementHintKey, silos.Silos[1].Address);
        SiloAddress where = await grain.Where();
        RequestContext.Remove(IPlacementDirector.PlacementHintKey);

        Assert.Equal(silos.Silos[1].Address, where);
    }

    [Fact]
    public async Task A_hint_that_is_not_removed_goes_on_to_every_call_made_next()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        (string first, string second, string third) = (Gate.NewName(), Gate.NewName(), Gate.NewName());
        PinnedPlacementDirector.Map[second] = PinnedPlacementDirector.Map[third] = silos.Silos[2].Address;

        RequestContext.Set(IPlacementDirector.PlacementHintKey, silos.Silos[1].Address);
        SiloAddress byTheCallee = await silos.Client.GetGrain<IPinnedGrain>(first).AskFrom(silos.Client.GetGrain<IPinnedGrain>(second));
        SiloAddress byTheCaller = await silos.Client.GetGrain<IPinnedGrain>(third).Where();
        RequestContext.Remove(IPlacementDirector.PlacementHintKey);

        Assert.Equal((silos.Silos[1].Address, silos.Silos[1].Address), (byTheCallee, byTheCaller));
    }

    [Fact]
    public async Task What_a_director_throws_reaches_the_caller_and_the_next_call_asks_again()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        string key = Gate.NewName();
        IPinnedGrain grain = silos.Silos[0].Grains().GetGrain<IPinnedGrain>(key);

        Exception thrown = await Assert.ThrowsAnyAsync<Exception>(grain.Where);
        Assert.Contains("The map does not say", thrown.ToString(), StringComparison.Ordinal);

        PinnedPlacementDirector.Map[key] = silos.Silos[0].Address;
        Assert.Equal(silos.Silos[0].Address, await grain.Where());
    }

    [Fact]
    public async Task Concurrent_callers_everywhere_get_one_activation()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silos.Silos[1].Address;

        Guid[] which = await Task.WhenAll(silos.Silos.SelectMany(silo =>
            Enumerable.Range(0, 10).Select(_ => silo.Grains().GetGrain<IPinnedGrain>(key).Which())));

        Assert.Single(which.Distinct());
    }

    [Fact]
    public async Task Grains_without_a_strategy_are_spread()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        ITurnGrain[] grains = [.. Enumerable.Range(0, 60).Select(_ => silos.Client.GetGrain<ITurnGrain>(Gate.NewName()))];
        await Task.WhenAll(grains.Select(grain => grain.Plain()));

        IManagementGrain management = silos.Client.GetGrain<IManagementGrain>(0);
        SimpleGrainStatistic[] statistics = await management.GetSimpleGrainStatistics(TestContext.Current.CancellationToken);

        Assert.Equal(3, statistics.Count(one => one.GrainType.Contains(nameof(TurnGrain), StringComparison.Ordinal) && one.ActivationCount > 0));
    }
}
