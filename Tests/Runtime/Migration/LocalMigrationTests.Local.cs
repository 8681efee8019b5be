using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Moves that only the embedded runtime can make go wrong at will, or repeat by the thousand.</summary>
public sealed class LocalMigrationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_move_that_is_refused_loses_what_was_packed()
    {
        await using EmbeddedSilos silos = await StartAsync(LocalFault.Unavailable);
        Journey journey = await Journey.BeginAsync(silos);
        await journey.Grain.Go(journey.To);

        Assert.Equal(0, await journey.Grain.Get());
        Assert.Contains("dehydrated", journey.Whats);
        Assert.DoesNotContain("rehydrated", journey.Whats);
    }

    [Fact]
    public async Task A_move_that_is_never_answered_holds_the_requests_for_as_long_as_a_deactivation_may_take()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await StartAsync(LocalFault.LoseRequest, clock);
        Journey journey = await Journey.BeginAsync(silos);
        await journey.Grain.Go(journey.To);
        await journey.Diary.NotedAsync("dehydrated", journey.From);
        clock.Advance(TimeSpan.FromSeconds(20));
        Task<int> value = journey.Grain.Get();

        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(value.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, await value.WaitAsync(Cancellation));
        Assert.DoesNotContain("rehydrated", journey.Whats);
    }

    [Fact]
    public async Task A_grain_that_comes_back_to_a_silo_that_it_has_not_quite_left_stalls_and_comes_back_empty()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await StartAsync(LocalFault.LoseReply, clock);
        Journey journey = await Journey.BeginAsync(silos);
        await journey.Grain.Go(journey.To);
        await journey.Diary.NotedAsync("activated", journey.To);
        ITravelGrain there = silos.Client.GetGrain<ITravelGrain>(journey.Key);
        Assert.Equal(7, await there.Get());

        await there.Go(journey.From);
        await journey.Diary.NotedAsync("disposed", journey.To);
        clock.Advance(TimeSpan.FromSeconds(20));
        Task<int> value = there.Get();

        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(value.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, await value.WaitAsync(Cancellation));
        Assert.Single(journey.Whats, what => what == "rehydrated");
    }

    [Fact]
    public async Task A_target_that_dies_during_the_move_takes_with_it_what_was_packed()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await StartAsync(LocalFault.LoseRequest, clock);
        Journey journey = await Journey.BeginAsync(silos);
        await journey.Grain.Go(journey.To);
        await journey.Diary.NotedAsync("dehydrated", journey.From);
        clock.Advance(TimeSpan.FromSeconds(20));
        Task<int> waiting = journey.Grain.Get();

        await silos.KillAsync(silos.Silos[1], Cancellation);
        clock.Advance(TimeSpan.FromSeconds(10));

        await Assert.ThrowsAsync<SiloUnavailableException>(() => waiting);
        Assert.Equal(0, await journey.Grain.Get());
    }

    [Fact]
    public async Task A_grain_that_the_directory_has_lost_may_be_active_twice()
    {
        var options = new LocalClusterOptions();
        await using EmbeddedSilos silos = await StartAsync(options);
        Journey journey = await Journey.BeginAsync(silos);
        var cluster = silos.Silos[0].Service<LocalCluster>();
        string chore = Gate.NewName();
        await journey.Grain.StartChore(chore);

        Assert.True(cluster.LoseDirectoryEntry(journey.Grain.GetGrainId()));
        PinnedPlacementDirector.Map[journey.Key] = journey.To;

        Assert.Equal(0, await journey.Grain.Get());
        Assert.Equal(journey.To, await journey.Grain.Where());
        Gate.Of(chore).Open();
        await journey.Diary.NotedAsync("did a chore with 7", journey.From);
    }

    [Fact]
    public async Task A_grain_that_the_directory_has_lost_is_found_by_its_own_silo()
    {
        await using EmbeddedSilos silos = await StartAsync(new LocalClusterOptions());
        Journey journey = await Journey.BeginAsync(silos);
        Assert.True(silos.Silos[0].Service<LocalCluster>().LoseDirectoryEntry(journey.Grain.GetGrainId()));

        Assert.Equal(7, await journey.Grain.Get());
    }

    [Fact]
    public async Task No_request_is_lost_or_served_twice_over_a_thousand_moves()
    {
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 4 });
        ITravelGrain[] grains = [.. Enumerable.Range(0, 20).Select(_ =>
        {
            string key = Gate.NewName();
            PinnedPlacementDirector.Map[key] = silos.Silos[0].Address;
            return silos.Client.GetGrain<ITravelGrain>(key);
        })];

        await Task.WhenAll(grains.Select((grain, seed) => TravelAsync(grain, new Random(seed))));

        async Task TravelAsync(ITravelGrain grain, Random random)
        {
            int expected = 0;
            Dictionary<SiloAddress, int> left = [];
            for (int move = 0; move < 50; move++)
            {
                SiloAddress here = await grain.Where();
                SiloAddress[] elsewhere = [.. silos.Silos.Select(silo => silo.Address).Where(address => address != here)];
                await grain.Go(elsewhere[random.Next(elsewhere.Length)]);
                int[] added = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => grain.Add()));
                Assert.Equal(Enumerable.Range(expected + 1, 4), added.Order());
                expected += 4;
                Assert.NotEqual(here, await grain.Where());

                // The director's cool-down: what has not quite left must not come back.
                left[here] = left.GetValueOrDefault(here) + 1;
                await Diary.Of(grain.GetPrimaryKeyString()).NotedAsync("disposed", here, left[here]);
            }
        }
    }

    private static Task<EmbeddedSilos> StartAsync(LocalClusterOptions options) =>
        RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 2, Local = options });

    /// <summary>A cluster where every move, and nothing else, goes wrong; the first one only if its answer is lost.</summary>
    private static Task<EmbeddedSilos> StartAsync(LocalFault fault, TimeProvider? clock = null)
    {
        int moves = 0;
        return StartAsync(new LocalClusterOptions
        {
            TimeProvider = clock ?? TimeProvider.System,
            Faults = call => call.MethodName == nameof(IGrainMigrationParticipant.OnRehydrate) && (Interlocked.Increment(ref moves) == 1 || fault is not LocalFault.LoseReply)
                ? fault
                : LocalFault.None,
        });
    }
}
