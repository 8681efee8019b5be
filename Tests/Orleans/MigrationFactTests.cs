using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Orleans;

/// <summary>What a migration takes along, and the ways in which it goes wrong without a word to whoever asked for it.</summary>
public sealed class MigrationFactTests : IAsyncLifetime
{
    private TrainingCluster _cluster = null!;
    private Itinerary _itinerary = null!;
    private EmbeddedSilo _from = null!, _to = null!;
    private ITravellerGrain _grain = null!;

    private TravelPlan Plan => _itinerary.PlanOf(0);

    /// <summary>A traveller on the first silo that carries the number 7 and belongs on the second.</summary>
    public async ValueTask InitializeAsync()
    {
        _cluster = await TrainingCluster.RentAsync(2);
        (_from, _to) = (_cluster.Silos.Silos[0], _cluster.Silos.Silos[1]);
        _itinerary = new Itinerary(_cluster.Silos);
        _itinerary.Tell(0);

        // Called from the silo that it leaves, for others may remember a while where it was.
        _grain = _itinerary.Traveller(0, _from);
        await _grain.Set(7);
        _itinerary.Tell(1);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task The_manifest_goes_along_between_the_end_of_the_old_activation_and_the_beginning_of_the_new()
    {
        await _grain.Go();

        Assert.Equal(7, await _grain.Get());
        Assert.Equal(_to.Address, await _grain.Where());
        Assert.Equal(["activates", "deactivates", "dehydrates", "rehydrates", "activates"], Plan.Done);
    }

    [Fact]
    public async Task Calls_that_come_meanwhile_wait_and_are_served_once_on_the_new_silo()
    {
        Plan.BeforeItLeaves = Latch.New();
        await _grain.Go();
        await Plan.BeforeItLeaves.Reached;
        Task<int>[] adding = [.. from silo in _cluster.Silos.Silos from _ in Enumerable.Range(0, 5) select _itinerary.Traveller(0, silo).Add()];
        Assert.DoesNotContain(adding, one => one.IsCompleted);
        Plan.BeforeItLeaves.Open();

        Assert.Equal(Enumerable.Range(8, 10), (await Task.WhenAll(adding)).Order());
        Assert.Equal(_to.Address, await _grain.Where());
    }

    [Fact]
    public async Task An_exception_in_OnDeactivateAsync_cancels_the_migration_and_the_grain_starts_empty()
    {
        Plan.FailsToDeactivate = true;
        await _grain.Go();

        Assert.Equal(0, await _grain.Get());
        Assert.Equal(["activates", "deactivates", "activates"], Plan.Done);
    }

    [Fact]
    public async Task An_exception_in_OnRehydrate_is_swallowed_and_the_grain_starts_empty()
    {
        Plan.FailsToRehydrate = true;
        await _grain.Go();

        Assert.Equal(0, await _grain.Get());
        Assert.Equal(_to.Address, await _grain.Where());
        Assert.Equal(["activates", "deactivates", "dehydrates", "rehydrates", "activates"], Plan.Done);
    }

    [Fact]
    public async Task A_target_that_refuses_to_activate_fails_the_caller_with_its_exception_and_the_next_call_starts_afresh()
    {
        Plan.BeforeItLeaves = Latch.New();
        Plan.RefusedOn = _to.Address;
        await _grain.Go();
        await Plan.BeforeItLeaves.Reached;
        Task<int> value = _grain.Get();
        Plan.BeforeItLeaves.Open();

        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(() => value);
        Assert.Equal("not here", refused.Message);
        Assert.Equal(0, await _grain.Get());
        Assert.Equal(_to.Address, await _grain.Where());
        Assert.Single(Plan.Done, one => one == "rehydrates");
    }

    [Fact]
    public async Task A_migration_to_where_the_grain_is_ends_it_and_what_it_carried_is_lost()
    {
        Guid before = await _grain.Which();
        _itinerary.Tell(0);
        await _grain.Go();

        Assert.Equal(0, await _grain.Get());
        Assert.NotEqual(before, await _grain.Which());
        Assert.Equal(["activates", "deactivates", "activates"], Plan.Done);
    }

    [Fact]
    public async Task A_grain_that_its_directory_forgets_is_active_twice()
    {
        Guid before = await _grain.Which();
        Task held = _grain.Hold(Latch.Of(before.ToString()).Name);
        await Latch.Of(before.ToString()).Reached;
        await ForgetfulDirectory.ForgetAsync(_cluster.Silos, _grain.GetGrainId());

        // A silo finds its own activations without the directory.
        ITravellerGrain elsewhere = _itinerary.Traveller(0, _to);
        Assert.NotEqual(before, await elsewhere.Which());
        Assert.False(held.IsCompleted);
        Latch.Of(before.ToString()).Open();
        await held;
        Assert.Equal(2, await ForgetfulDirectory.ActivationsAsync(_cluster.Silos, _grain.GetGrainId()));
    }
}
