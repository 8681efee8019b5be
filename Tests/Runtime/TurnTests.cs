using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: an activation runs one request at a time, but for what may interleave, and all of its code on a scheduler of its own.</summary>
public sealed class TurnTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task A_request_waits_for_the_one_before()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        Task first = grain.Hold(gate);
        await Gate.Of(gate).Entered;

        Task second = grain.Plain();
        await grain.Interleaved();

        Assert.False(second.IsCompleted);
        Gate.Of(gate).Open();
        await Task.WhenAll(first, second);
    }

    [Fact]
    public async Task An_always_interleave_request_waits_for_none_and_blocks_none()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        Task first = grain.HoldInterleaved(gate);
        await Gate.Of(gate).Entered;

        await grain.Plain();
        await grain.Reading();
        await grain.Interleaved();

        Assert.False(first.IsCompleted);
        Gate.Of(gate).Open();
        await first;
    }

    [Fact]
    public async Task Read_only_requests_interleave_with_each_other_and_with_nothing_else()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        Task first = grain.HoldReading(gate);
        await Gate.Of(gate).Entered;

        Task plain = grain.Plain();
        await grain.Reading();

        Assert.False(plain.IsCompleted);
        Gate.Of(gate).Open();
        await Task.WhenAll(first, plain);
    }

    [Fact]
    public async Task A_read_only_request_waits_for_a_plain_one()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        Task first = grain.Hold(gate);
        await Gate.Of(gate).Entered;

        Task reading = grain.Reading();
        await grain.Interleaved();

        Assert.False(reading.IsCompleted);
        Gate.Of(gate).Open();
        await Task.WhenAll(first, reading);
    }

    [Fact]
    public async Task Requests_of_a_reentrant_grain_interleave_at_awaits_and_only_there()
    {
        IReentrantGrain grain = (await cluster.SilosAsync()).Client.GetGrain<IReentrantGrain>(Gate.NewName());
        string gate = Gate.NewName();
        Task first = grain.Hold(gate);
        await Gate.Of(gate).Entered;

        await grain.Plain();
        int[] most = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => grain.Max(50)));

        Assert.False(first.IsCompleted);
        Assert.Equal(1, most.Max());
        Gate.Of(gate).Open();
        await first;
    }

    [Fact]
    public async Task Requests_of_a_plain_grain_do_not_interleave_at_awaits()
    {
        ITurnGrain grain = await GrainAsync();
        int[] counts = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => grain.Count()));

        Assert.Equal(Enumerable.Range(1, 100), counts.Order());
    }

    [Fact]
    public async Task Continuations_stay_on_the_grains_scheduler() => Assert.True(await (await GrainAsync()).StaysOnScheduler());

    [Fact]
    public async Task What_a_request_started_runs_on_after_it_on_the_grains_scheduler()
    {
        ITurnGrain grain = await GrainAsync();
        (string gate, string done) = (Gate.NewName(), Gate.NewName());
        await grain.StartWithoutAwait(gate, done);
        await Gate.Of(gate).Entered;

        Gate.Of(gate).Open();

        await Gate.Of(done).Entered;
    }

    [Fact]
    public async Task Nobody_waits_for_a_one_way_request()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        await grain.Send(gate);
        await Gate.Of(gate).Entered;

        Gate.Of(gate).Open();

        await Gate.Of(gate + "-after").Entered;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_chain_comes_back_only_where_that_was_allowed(bool allowed)
    {
        Gate.Of("open").Open();
        ITurnGrain grain = await GrainAsync();

        Assert.Equal(allowed, await grain.ComeBack(Gate.NewName(), allowed));
    }

    [Fact]
    public async Task A_caller_whose_time_ran_out_gets_TimeoutException_and_the_callee_runs_on()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();

        await Assert.ThrowsAsync<TimeoutException>(() => grain.HoldBriefly(gate));

        Task next = grain.Plain();
        await grain.Interleaved();
        Assert.False(next.IsCompleted);
        Gate.Of(gate).Open();
        await Gate.Of(gate + "-after").Entered;
        await next;
    }

    [Fact]
    public async Task Cancellation_reaches_the_callee()
    {
        ITurnGrain grain = await GrainAsync();
        string gate = Gate.NewName();
        using var source = new CancellationTokenSource();
        Task<string> call = grain.WaitFor(gate, source.Token);
        await Gate.Of(gate).Entered;

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Gate.Of(gate + "-canceled").Entered;
    }

    private async Task<ITurnGrain> GrainAsync() => (await cluster.SilosAsync()).Client.GetGrain<ITurnGrain>(Gate.NewName());
}
