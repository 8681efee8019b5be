using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: activations begin with the first call and end when asked to, with a word to the grain; timers tick in turns.</summary>
public sealed class LifeTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task A_grain_is_activated_by_its_first_call_and_knows_who_it_is()
    {
        (string key, ILifeGrain grain) = await GrainAsync();
        Assert.False(LifeGrain.Lives.ContainsKey(key));

        string identity = await grain.Identity();

        Assert.Equal(["activated"], LifeGrain.Lives[key]);
        Assert.Equal($"life/{key} True {key}", identity);
        Assert.Equal(key, grain.GetPrimaryKeyString());
    }

    [Fact]
    public async Task A_failed_activation_surfaces_to_the_caller_and_the_next_call_tries_again()
    {
        (string key, ILifeGrain grain) = await GrainAsync();
        LifeGrain.Refuses[key] = true;

        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(grain.Touch);

        Assert.Equal("not today", refused.Message);
        Assert.Equal(1, await grain.Touch());
    }

    [Fact]
    public async Task An_activation_that_fails_refuses_who_waited_for_it_and_who_came_too_late_gets_the_next()
    {
        (string key, ILifeGrain grain) = await GrainAsync();
        string gate = Gate.NewName();
        LifeGrain.Refuses[key] = true;
        LifeGrain.Holds[key] = gate;
        Task<int> first = grain.Touch();
        await Gate.Of(gate).Entered;
        Task<int>[] others = [grain.Touch(), grain.Touch()];

        Gate.Of(gate).Open();

        // On Orleans nobody can say whether a call has reached the silo before the gate opens.
        Assert.Equal("not today", (await Assert.ThrowsAsync<InvalidOperationException>(() => first)).Message);
        int late = 0;
        foreach (Task<int> call in others)
        {
            if (await Record.ExceptionAsync(() => call) is { } refused)
            {
                Assert.Equal("not today", Assert.IsType<InvalidOperationException>(refused).Message);
            }
            else
            {
                late++;
            }
        }

        Assert.Equal(late + 1, await grain.Touch());
    }

    [Fact]
    public async Task DeactivateOnIdle_ends_the_activation_and_the_next_call_makes_a_new_one()
    {
        (string key, ILifeGrain grain) = await GrainAsync();
        await grain.Touch();
        await grain.Leave();

        Assert.Equal(1, await grain.Touch());
        Assert.Equal(["activated", "deactivated: ApplicationRequested", "activated"], LifeGrain.Lives[key]);
    }

    [Fact]
    public async Task What_came_while_a_grain_was_leaving_goes_to_its_next_activation()
    {
        (string key, ILifeGrain grain) = await GrainAsync();
        await grain.Touch();
        string gate = Gate.NewName();
        Task leaving = grain.HoldAndLeave(gate);
        await Gate.Of(gate).Entered;

        Task<int> next = grain.Touch();
        Gate.Of(gate).Open();
        await leaving;

        Assert.Equal(1, await next);
        Assert.Equal(["activated", "deactivated: ApplicationRequested", "activated"], LifeGrain.Lives[key]);
    }

    [Fact]
    public async Task Timer_ticks_wait_for_requests_and_requests_for_ticks()
    {
        (_, ILifeGrain grain) = await GrainAsync();
        (string tick, string request) = (Gate.NewName(), Gate.NewName());
        await grain.StartTimer(tick, interleave: false);
        await Gate.Of(tick).Entered;

        Task held = grain.HoldTicks(request);
        Gate.Of(request).Open();
        Assert.False(held.IsCompleted);
        Gate.Of(tick).Open();

        await held;
        while (await grain.Ticks() < 3)
        {
            // The next request waits for the next tick.
            await Task.Yield();
        }

        await grain.StopTimer();
        int ticks = await grain.Ticks();
        Assert.Equal(ticks, await grain.Ticks());
    }

    [Fact]
    public async Task Interleaving_ticks_do_not_block_requests()
    {
        (_, ILifeGrain grain) = await GrainAsync();
        string tick = Gate.NewName();
        await grain.StartTimer(tick, interleave: true);
        await Gate.Of(tick).Entered;

        Assert.Equal(1, await grain.Ticks());
        await grain.StopTimer();
        Gate.Of(tick).Open();
    }

    [Fact]
    public async Task Forced_collection_ends_idle_grains_and_none_that_are_kept_alive()
    {
        // On a cluster of its own: it would end the other tests' grains too.
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions());
        (string key, string kept) = (Gate.NewName(), Gate.NewName());
        ILifeGrain grain = silos.Client.GetGrain<ILifeGrain>(key);
        PinnedPlacementDirector.Map[kept] = silos.Silos[0].Address;
        Guid before = await silos.Client.GetGrain<IPinnedGrain>(kept).Which();
        await grain.Touch();

        await silos.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero, TestContext.Current.CancellationToken);

        Assert.Equal(1, await grain.Touch());
        Assert.Equal(["activated", "deactivated: ActivationIdle", "activated"], LifeGrain.Lives[key]);
        Assert.Equal(before, await silos.Client.GetGrain<IPinnedGrain>(kept).Which());
    }

    private async Task<(string Key, ILifeGrain Grain)> GrainAsync()
    {
        string key = Gate.NewName();
        return (key, (await cluster.SilosAsync()).Client.GetGrain<ILifeGrain>(key));
    }
}
