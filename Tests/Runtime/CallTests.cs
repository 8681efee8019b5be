using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: what else grain code may do with references, keys, value tasks, timers and its own end.</summary>
public sealed class CallTests(RuntimeCluster cluster)
{
    private static long LastKey = 1000;

    [Fact]
    public async Task Integer_keys_and_value_tasks_work()
    {
        (long key, IOddGrain grain) = await GrainAsync();
        await grain.Nothing();
        Assert.Equal(key, await grain.Key());
        Assert.Equal(key, grain.GetPrimaryKeyLong());

        IOddGrain negative = (await cluster.SilosAsync()).Client.GetGrain<IOddGrain>(-5);
        Assert.Equal(-5, await negative.Key());
    }

    [Fact]
    public async Task Two_references_to_a_grain_are_equal()
    {
        (_, IOddGrain grain) = await GrainAsync();
        IOddGrain self = await grain.Self();
        Assert.Equal(grain, self);
        Assert.Equal(grain.GetHashCode(), self.GetHashCode());
        Assert.Equal(await grain.Key(), await self.Key());
    }

    [Fact]
    public async Task References_may_be_passed_on()
    {
        (_, IOddGrain first) = await GrainAsync();
        (long key, IOddGrain second) = await GrainAsync();
        Assert.Equal(key, await first.KeyOf(second));
    }

    [Fact]
    public async Task A_grain_may_call_from_a_thread_of_the_pool()
    {
        (_, IOddGrain first) = await GrainAsync();
        (long key, IOddGrain second) = await GrainAsync();
        Assert.Equal(key, await first.AskFromThreadPool(second));
    }

    [Fact]
    public async Task A_timer_that_fails_ticks_on()
    {
        (_, IOddGrain grain) = await GrainAsync();
        string gate = Gate.NewName();
        await grain.StartFailingTimer(gate);
        await Gate.Of(gate).Entered;
        Gate.Of(gate).Open();
    }

    [Fact]
    public async Task A_grain_that_fails_to_deactivate_ends_all_the_same_and_is_disposed()
    {
        (long key, IOddGrain grain) = await GrainAsync();
        await grain.LeaveBadly();
        Assert.Equal(key, await grain.Key());
        await OddGrain.Disposed(key).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Values_of_the_request_context_are_copied()
    {
        IOddGrain grain = (await cluster.SilosAsync()).Silos[0].Grains().GetGrain<IOddGrain>(Interlocked.Increment(ref LastKey));
        List<string> mine = ["caller"];
        RequestContext.Set("list", mine);
        List<string> theirs = await grain.Mutable();
        RequestContext.Clear();

        Assert.Equal(["caller", "callee"], theirs);
        Assert.Equal(["caller"], mine);
    }

    [Fact]
    public async Task A_graceful_stop_waits_for_calls_in_flight()
    {
        await using EmbeddedSilos silos = await RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = 2 });
        (EmbeddedSilo here, EmbeddedSilo there) = (silos.Silos[0], silos.Silos[1]);
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = there.Address;
        string gate = Gate.NewName();
        Task call = here.Grains().GetGrain<IPinnedGrain>(key).Hold(gate);
        await Gate.Of(gate).Entered;

        Task stopping = silos.StopAsync(there, TestContext.Current.CancellationToken);
        Assert.False(stopping.IsCompleted);
        Gate.Of(gate).Open();

        await call;
        await stopping;
    }

    private async Task<(long Key, IOddGrain Grain)> GrainAsync()
    {
        long key = Interlocked.Increment(ref LastKey);
        return (key, (await cluster.SilosAsync()).Client.GetGrain<IOddGrain>(key));
    }
}
