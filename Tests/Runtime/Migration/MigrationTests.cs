using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;
using Orleans.Core.Internal;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Orleans: an activation moves to the silo that its director picks, and what it packed arrives with it.</summary>
public sealed class MigrationTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task A_grain_asked_from_inside_moves_and_takes_along_what_it_packed()
    {
        Journey journey = await BeginAsync();
        await journey.Grain.Go(journey.To);

        Assert.Equal(7, await journey.Grain.Get());
        Assert.Equal(journey.To, await journey.Grain.Where());
    }

    [Fact]
    public async Task A_grain_asked_from_outside_moves_and_takes_along_what_it_packed()
    {
        Journey journey = await BeginAsync();
        await journey.SendAsync(journey.To);

        Assert.Equal(7, await journey.Grain.Get());
        Assert.Equal(journey.To, await journey.Grain.Where());
    }

    [Fact]
    public async Task The_old_activation_is_deactivated_then_dehydrated_and_the_new_one_rehydrated_then_activated()
    {
        Journey journey = await BeginAsync();
        await journey.Grain.Go(journey.To);
        await journey.Grain.Get();
        await journey.Diary.NotedAsync("disposed", journey.From);

        Assert.Equal(
            [
                new Diary.Entry("activated", journey.From),
                new Diary.Entry("deactivated: Migrating", journey.From),
                new Diary.Entry("dehydrated", journey.From),
                new Diary.Entry("rehydrated", journey.To),
                new Diary.Entry("activated", journey.To),
                new Diary.Entry("disposed", journey.From),
            ],
            journey.Diary.Entries);
    }

    [Fact]
    public async Task Requests_that_come_meanwhile_wait_and_are_served_on_the_new_silo()
    {
        string gate = Gate.NewName();
        Journey journey = await BeginAsync(new TravelPlan { Gate = gate });
        EmbeddedSilos silos = await cluster.SilosAsync();
        await journey.Grain.Go(journey.To);
        await Gate.Of(gate).Entered;

        Task<int>[] adding = [.. silos.Silos.SelectMany(silo =>
            Enumerable.Range(0, 5).Select(_ => silo.Grains().GetGrain<ITravelGrain>(journey.Key).Add()))];
        Assert.DoesNotContain(adding, one => one.IsCompleted);
        Gate.Of(gate).Open();

        Assert.Equal(Enumerable.Range(8, 15), (await Task.WhenAll(adding)).Order());
        Assert.Equal(journey.To, await journey.Grain.Where());
    }

    [Fact]
    public async Task Timers_stop_before_the_grain_is_deactivated()
    {
        string gate = Gate.NewName();
        Journey journey = await BeginAsync(new TravelPlan { Gate = gate });
        await journey.Grain.StartTicking();
        await journey.Grain.Go(journey.To);
        await Gate.Of(gate).Entered;

        // Meanwhile another grain's timer ticks three times.
        string ticked = Gate.NewName();
        IOddGrain other = (await cluster.SilosAsync()).Client.GetGrain<IOddGrain>(Random.Shared.NextInt64(1 << 20, long.MaxValue));
        await other.StartFailingTimer(ticked);
        await Gate.Of(ticked).Entered;
        Gate.Of(gate).Open();

        await journey.Grain.Get();
        Assert.DoesNotContain("ticked while it was leaving", journey.Whats);
        await other.LeaveBadly();
    }

    [Fact]
    public async Task The_director_is_asked_on_the_grains_silo_with_the_request_context_of_who_asked_for_the_move()
    {
        Journey journey = await BeginAsync();
        RequestContext.Set("color", "green");
        await journey.SendAsync(journey.To);
        RequestContext.Remove("color");
        await journey.Grain.Get();

        PinnedPlacementDirector.Question asked =
            Assert.Single(PinnedPlacementDirector.Questions, question => question.Key == journey.Key && question.Color == "green");
        Assert.Equal(journey.From, asked.AskedOn);
        Assert.False(asked.IsOutsideGrains);
    }

    [Fact]
    public async Task A_hint_is_worth_nothing_to_a_director_that_does_not_ask_for_it()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silos.Silos[0].Address;
        IMappedGrain grain = silos.Silos[0].Grains().GetGrain<IMappedGrain>(key);
        await grain.Set(5);

        PinnedPlacementDirector.Map[key] = silos.Silos[2].Address;
        await grain.Go(silos.Silos[1].Address);

        Assert.Equal(5, await grain.Get());
        Assert.Equal(silos.Silos[2].Address, await grain.Where());
    }

    [Fact]
    public async Task Immovable_is_about_balancers_and_keeps_no_grain_from_a_move_that_was_asked_for()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silos.Silos[0].Address;
        IMappedGrain grain = silos.Silos[0].Grains().GetGrain<IMappedGrain>(key);
        await grain.Set(6);

        PinnedPlacementDirector.Map[key] = silos.Silos[1].Address;
        await grain.AsReference<IGrainManagementExtension>().MigrateOnIdle(TestContext.Current.CancellationToken);

        Assert.Equal(6, await grain.Get());
        Assert.Equal(silos.Silos[1].Address, await grain.Where());
    }

    [Fact]
    public async Task A_grain_that_is_leaving_already_moves_too_if_it_is_asked_to()
    {
        Journey journey = await BeginAsync();
        await journey.Grain.LeaveAndGo(journey.To);

        Assert.Equal(7, await journey.Grain.Get());
        Assert.Equal("deactivated: ApplicationRequested", journey.Whats[1]);
    }

    [Fact]
    public async Task Any_grain_can_be_deactivated_from_outside()
    {
        Journey journey = await BeginAsync();
        await journey.Grain.AsReference<IGrainManagementExtension>().DeactivateOnIdle(TestContext.Current.CancellationToken);

        Assert.Equal(0, await journey.Grain.Get());
        Assert.Equal("deactivated: ApplicationRequested", journey.Whats[1]);
    }

    private async Task<Journey> BeginAsync(TravelPlan? plan = null) => await Journey.BeginAsync(await cluster.SilosAsync(), plan);
}
