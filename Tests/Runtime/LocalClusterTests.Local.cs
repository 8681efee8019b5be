using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>What only the embedded runtime can do: a clock and faults of one's own, the same run every time.</summary>
public sealed class LocalClusterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_times_out_by_the_clusters_clock()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await StartAsync(1, new LocalClusterOptions { TimeProvider = clock });
        string gate = Gate.NewName();
        Task call = silos.Client.GetGrain<ITurnGrain>("one").Hold(gate);
        await Gate.Of(gate).Entered;

        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        TimeoutException overdue = await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.Contains("ITurnGrain.Hold on turn/one", overdue.Message, StringComparison.Ordinal);
        Gate.Of(gate).Open();
    }

    [Fact]
    public async Task An_idle_grain_is_collected_after_fifteen_minutes_unless_it_is_kept_alive()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await StartAsync(1, new LocalClusterOptions { TimeProvider = clock });
        (string idle, string busy, string kept) = (Gate.NewName(), Gate.NewName(), Gate.NewName());
        PinnedPlacementDirector.Map[kept] = silos.Silos[0].Address;
        await silos.Client.GetGrain<ILifeGrain>(idle).Touch();
        await silos.Client.GetGrain<ILifeGrain>(busy).Touch();
        Guid before = await silos.Client.GetGrain<IPinnedGrain>(kept).Which();

        clock.Advance(TimeSpan.FromMinutes(10));
        await silos.Client.GetGrain<ILifeGrain>(busy).Touch();
        clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal(1, await silos.Client.GetGrain<ILifeGrain>(idle).Touch());
        Assert.Equal(["activated", "deactivated: ActivationIdle", "activated"], LifeGrain.Lives[idle]);
        Assert.Equal(3, await silos.Client.GetGrain<ILifeGrain>(busy).Touch());
        Assert.Equal(before, await silos.Client.GetGrain<IPinnedGrain>(kept).Which());
    }

    [Fact]
    public async Task A_killed_silo_takes_some_healthy_grains_of_the_others_with_it_and_the_same_ones_every_time()
    {
        string[] first = await LoseAsync();
        string[] second = await LoseAsync();

        Assert.InRange(first.Length, 1, 60);
        Assert.Equal(first, second);

        static async Task<string[]> LoseAsync()
        {
            await using EmbeddedSilos silos = await StartAsync(3, new LocalClusterOptions());
            ILifeGrain[] grains = [.. Enumerable.Range(0, 300).Select(i => silos.Client.GetGrain<ILifeGrain>($"member-{i}"))];
            await Task.WhenAll(grains.Select(grain => grain.Touch()));
            EmbeddedSilo victim = silos.Silos[1];
            DetailedGrainStatistic[] there =
                await silos.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics(hostsIds: [victim.Address]);

            await silos.KillAsync(victim, Cancellation);

            int[] touches = await Task.WhenAll(grains.Select(grain => grain.Touch()));
            HashSet<GrainId> gone = [.. there.Select(one => one.GrainId)];
            Assert.All(grains.Zip(touches), pair => Assert.True(!gone.Contains(pair.First.GetGrainId()) || pair.Second == 1));
            return [.. grains.Zip(touches).Where(pair => pair.Second == 1 && !gone.Contains(pair.First.GetGrainId()))
                .Select(pair => pair.First.GetPrimaryKeyString())];
        }
    }

    [Fact]
    public async Task That_can_be_turned_off()
    {
        await using EmbeddedSilos silos = await StartAsync(2, new LocalClusterOptions { DirectoryFailureShare = 0 });
        string[] keys = [.. Enumerable.Range(0, 100).Select(_ => Gate.NewName())];
        foreach (string key in keys)
        {
            PinnedPlacementDirector.Map[key] = silos.Silos[0].Address;
        }

        Guid[] before = await Task.WhenAll(keys.Select(key => silos.Client.GetGrain<IPinnedGrain>(key).Which()));
        await silos.KillAsync(silos.Silos[1], Cancellation);

        Assert.Equal(before, await Task.WhenAll(keys.Select(key => silos.Client.GetGrain<IPinnedGrain>(key).Which())));
    }

    [Fact]
    public async Task A_silo_that_stops_gracefully_takes_healthy_grains_of_the_others_with_it_too()
    {
        await using EmbeddedSilos silos = await StartAsync(3, new LocalClusterOptions());
        ILifeGrain[] grains = [.. Enumerable.Range(0, 300).Select(i => silos.Client.GetGrain<ILifeGrain>($"bystander-{i}"))];
        await Task.WhenAll(grains.Select(grain => grain.Touch()));

        await silos.StopAsync(silos.Silos[1], Cancellation);
        await Task.WhenAll(grains.Select(grain => grain.Touch()));

        int lost = grains.Count(grain => LifeGrain.Lives[grain.GetPrimaryKeyString()].Contains("deactivated: DirectoryFailure"));
        Assert.InRange(lost, 1, 40);
    }

    [Fact]
    public async Task An_activation_that_comes_to_no_end_fails_after_half_a_minute_and_the_next_call_begins_another()
    {
        var clock = new ManualTime();
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions
        {
            Count = 1,
            ClientResponseTimeout = TimeSpan.FromMinutes(5),
            Local = new LocalClusterOptions { TimeProvider = clock },
        });
        (string key, string gate) = (Gate.NewName(), Gate.NewName());
        LifeGrain.Holds[key] = gate;
        ILifeGrain grain = silos.Client.GetGrain<ILifeGrain>(key);
        Task<int> call = grain.Touch();
        await Gate.Of(gate).Entered;

        clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));

        await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        Assert.True(call.IsFaulted || call.IsCanceled);
        Assert.Equal(1, await grain.Touch());
        Gate.Of(gate).Open();
    }

    [Fact]
    public async Task A_crash_does_not_tell_the_grains_and_what_they_still_do_reaches_nobody()
    {
        await using EmbeddedSilos silos = await StartAsync(2, new LocalClusterOptions { DirectoryFailureShare = 0 });
        (EmbeddedSilo first, EmbeddedSilo second) = (silos.Silos[0], silos.Silos[1]);
        ILifeGrain[] grains = [.. Enumerable.Range(0, 20).Select(_ => silos.Client.GetGrain<ILifeGrain>(Gate.NewName()))];
        await Task.WhenAll(grains.Select(grain => grain.Touch()));
        DetailedGrainStatistic[] there =
            await silos.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics(hostsIds: [second.Address]);
        ITurnGrain fromTheDead = second.Grains().GetGrain<ITurnGrain>("survivor");

        await silos.KillAsync(second, Cancellation);

        ILifeGrain[] lost = [.. grains.Where(grain => there.Any(one => one.GrainId == grain.GetGrainId()))];
        Assert.NotEmpty(lost);
        Assert.All(lost, grain => Assert.Equal(["activated"], LifeGrain.Lives[grain.GetPrimaryKeyString()]));
        await Assert.ThrowsAsync<SiloUnavailableException>(fromTheDead.Plain);
        await first.Grains().GetGrain<ITurnGrain>("survivor").Plain();
    }

    [Theory]
    [InlineData(LocalFault.LoseRequest, false)]
    [InlineData(LocalFault.LoseReply, true)]
    public async Task Messages_get_lost_on_demand(LocalFault fault, bool runs)
    {
        var clock = new ManualTime();
        bool goesWrong = false;
        string key = Gate.NewName();
        await using EmbeddedSilos silos = await StartAsync(1, new LocalClusterOptions
        {
            TimeProvider = clock,
            Faults = call => goesWrong && call.Target.Key.ToString() == key ? fault : LocalFault.None,
        });
        ILifeGrain grain = silos.Client.GetGrain<ILifeGrain>(key);
        await grain.Touch();

        goesWrong = true;
        Task<int> call = grain.Touch();
        goesWrong = false;
        int touches = await grain.Touch();
        clock.Advance(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.Equal(runs ? 3 : 2, touches);
    }

    [Fact]
    public async Task A_silo_becomes_unavailable_on_demand()
    {
        await using EmbeddedSilos silos = await StartAsync(
            1, new LocalClusterOptions { Faults = call => call.MethodName == nameof(ITurnGrain.Plain) ? LocalFault.Unavailable : LocalFault.None });

        await Assert.ThrowsAsync<OrleansMessageRejectionException>(silos.Client.GetGrain<ITurnGrain>("one").Plain);
        await silos.Client.GetGrain<ITurnGrain>("one").Reading();
    }

    [Fact]
    public async Task What_is_missing_is_refused_by_name()
    {
        await using EmbeddedSilos silos = await StartAsync(1, new LocalClusterOptions());

        NotSupportedException refused =
            Assert.Throws<NotSupportedException>(() => silos.Client.CreateObjectReference<IGrainObserver>(null!));

        Assert.Contains("ActorRuntime=Orleans", refused.Message, StringComparison.Ordinal);
    }

    private static Task<EmbeddedSilos> StartAsync(int count, LocalClusterOptions options) =>
        RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = count, Local = options });
}
