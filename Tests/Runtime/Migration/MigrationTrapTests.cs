using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Orleans: the ways in which a move goes wrong without a word to whoever asked for it.</summary>
public sealed class MigrationTrapTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task An_exception_in_OnDeactivateAsync_cancels_the_move_and_the_grain_starts_empty()
    {
        Journey journey = await BeginAsync(new TravelPlan { FailsToDeactivate = true });
        await journey.Grain.Go(journey.To);

        Assert.Equal(0, await journey.Grain.Get());
        Assert.DoesNotContain("dehydrated", journey.Whats);
        Assert.DoesNotContain("rehydrated", journey.Whats);
    }

    [Fact]
    public async Task A_move_from_outside_that_is_cancelled_sends_what_waited_to_the_target_where_it_starts_a_fresh_activation()
    {
        string gate = Gate.NewName();
        Journey journey = await BeginAsync(new TravelPlan { FailsToDeactivate = true, Gate = gate });
        await journey.SendAsync(journey.To);
        await Gate.Of(gate).Entered;
        Task<SiloAddress> where = journey.Grain.Where();
        Task<int> value = journey.Grain.Get();
        Gate.Of(gate).Open();

        Assert.Equal(journey.To, await where);
        Assert.Equal(0, await value);
        Assert.DoesNotContain("rehydrated", journey.Whats);
    }

    [Fact]
    public async Task An_exception_in_OnDehydrate_is_swallowed_and_what_was_not_packed_yet_is_lost()
    {
        Journey journey = await BeginAsync(new TravelPlan { FailsToDehydrate = true });
        await journey.Grain.Go(journey.To);

        Assert.Equal(7, await journey.Grain.Get());
        Assert.Equal(journey.To, await journey.Grain.Where());
        Assert.Contains("lost the last", journey.Whats);
    }

    [Fact]
    public async Task An_exception_in_OnRehydrate_is_swallowed_and_the_grain_starts_empty()
    {
        Journey journey = await BeginAsync(new TravelPlan { FailsToRehydrate = true });
        await journey.Grain.Go(journey.To);

        Assert.Equal(0, await journey.Grain.Get());
        Assert.Equal(journey.To, await journey.Grain.Where());
        Assert.Contains(new Diary.Entry("activated", journey.To), journey.Diary.Entries);
    }

    [Fact]
    public async Task A_target_that_refuses_to_activate_loses_what_was_packed_fails_who_waits_and_the_next_request_starts_a_fresh_activation()
    {
        string gate = Gate.NewName();
        Journey journey = await BeginAsync(new TravelPlan { Gate = gate });
        journey.Diary.Plan = journey.Diary.Plan with { RefusedOn = journey.To };
        await journey.Grain.Go(journey.To);
        await Gate.Of(gate).Entered;
        Task<int> value = journey.Grain.Get();
        Gate.Of(gate).Open();

        Exception? refused = await Record.ExceptionAsync(() => value);
        Assert.NotNull(refused);
        Assert.Equal(0, await journey.Grain.Get());
        Assert.Single(journey.Whats, what => what == "rehydrated");
        Assert.Contains(new Diary.Entry("refused", journey.To), journey.Diary.Entries);
        Assert.Equal(journey.To, await journey.Grain.Where());
    }

    [Fact]
    public async Task MigrateOnIdle_with_the_own_silo_as_the_hint_deactivates_the_grain_and_loses_its_state()
    {
        Journey journey = await BeginAsync();
        Guid before = await journey.Grain.Which();
        await journey.Grain.Go(journey.From);

        Assert.Equal(0, await journey.Grain.Get());
        Assert.NotEqual(before, await journey.Grain.Which());
        Assert.Equal("deactivated: Migrating", journey.Whats[1]);
        Assert.DoesNotContain("dehydrated", journey.Whats);
    }

    [Fact]
    public async Task The_same_asked_from_outside_leaves_the_grain_alone()
    {
        Journey journey = await BeginAsync();
        Guid before = await journey.Grain.Which();
        await journey.SendAsync(journey.From);

        Assert.Equal(7, await journey.Grain.Get());
        Assert.Equal(before, await journey.Grain.Which());
    }

    [Fact]
    public async Task The_old_activation_may_act_for_a_moment_beside_the_new_one()
    {
        Journey journey = await BeginAsync();
        string chore = Gate.NewName();
        await journey.Grain.StartChore(chore);
        await Gate.Of(chore).Entered;
        await journey.Grain.Go(journey.To);
        Assert.Equal(8, await journey.Grain.Add());

        Gate.Of(chore).Open();

        // It is the old one that acts, on the old silo, with what it knew.
        await journey.Diary.NotedAsync("did a chore with 7", journey.From);
        Assert.Equal(8, await journey.Grain.Get());
    }

    [Fact]
    public async Task A_move_to_a_dead_silo_fails_and_the_next_call_silently_starts_a_fresh_activation()
    {
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 3 });
        (EmbeddedSilo here, EmbeddedSilo dead) = (silos.Silos[0], silos.Silos[1]);
        await silos.KillAsync(dead, TestContext.Current.CancellationToken);
        Journey journey = await Journey.BeginAsync(silos);
        Guid before = await journey.Grain.Which();

        PinnedPlacementDirector.Map[journey.Key] = dead.Address;
        await journey.Grain.Go(null);
        await journey.Diary.NotedAsync("disposed", here.Address);
        PinnedPlacementDirector.Map[journey.Key] = here.Address;

        Assert.Equal(0, await journey.Grain.Get());
        Assert.NotEqual(before, await journey.Grain.Which());
        Assert.Contains("dehydrated", journey.Whats);
        Assert.DoesNotContain("rehydrated", journey.Whats);
    }

    [Fact]
    public async Task A_silo_that_stops_moves_nothing()
    {
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 2 });
        Journey journey = await Journey.BeginAsync(silos);
        PinnedPlacementDirector.Map[journey.Key] = journey.To;

        await silos.StopAsync(silos.Silos[0], TestContext.Current.CancellationToken);

        Assert.Equal(0, await silos.Client.GetGrain<ITravelGrain>(journey.Key).Get());
        Assert.Contains("deactivated: ShuttingDown", journey.Whats);
        Assert.DoesNotContain("dehydrated", journey.Whats);
    }

    private async Task<Journey> BeginAsync(TravelPlan? plan = null) => await Journey.BeginAsync(await cluster.SilosAsync(), plan);
}
