using Microsoft.Extensions.DependencyInjection;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using Orleans.Serialization;

namespace MoEActors.Tests.Orleans;

/// <summary>What a caller learns, and what it does not.</summary>
public sealed class CallFactTests : IAsyncLifetime
{
    private TrainingCluster _cluster = null!;
    private EmbeddedSilo _here = null!, _there = null!;
    private ITravellerGrain _grain = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TrainingCluster.RentAsync(2);
        (_here, _there) = (_cluster.Silos.Silos[0], _cluster.Silos.Silos[1]);
        var itinerary = new Itinerary(_cluster.Silos);
        itinerary.Tell(1);
        _grain = itinerary.Traveller(0, _here);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_caller_whose_time_ran_out_gets_TimeoutException_and_the_callee_runs_on()
    {
        // A call that is late before it arrives is not run at all.
        await _grain.Get();
        Latch latch = Latch.New();
        Task held = _grain.HoldBriefly(latch.Name);
        await latch.Reached;
        await Assert.ThrowsAsync<TimeoutException>(() => held);

        Task<int> next = _grain.Get();
        latch.Open();
        Assert.Equal(1, await next);
    }

    [Fact]
    public async Task An_exception_type_without_codec_hides_behind_CodecNotFoundException() =>
        await Assert.ThrowsAsync<CodecNotFoundException>(_grain.Fail);

    [Fact]
    public async Task Calls_to_a_grain_service_interleave()
    {
        ILatchService service = _here.Services.GetRequiredService<ILatchServiceClient>().On(_there.Address);
        Latch latch = Latch.New();
        Task held = service.Hold(latch.Name);
        await latch.Reached;

        Assert.Equal(_there.Address, await service.Where());
        Assert.False(held.IsCompleted);
        latch.Open();
        await held;
    }

    [Theory]
    [InlineData(Loss.Request, 1)]
    [InlineData(Loss.Reply, 2)]
    public async Task Whether_a_lost_call_has_run_the_caller_cannot_tell(Loss loss, int next)
    {
        _cluster.Calls.Lose(call => call.MethodName == nameof(ITravellerGrain.Add), loss, 1);
        Exception? told = await Record.ExceptionAsync(_grain.Add);

        Assert.True(told is TimeoutException, $"{told}");
        Assert.Equal(next, await _grain.Add());
        Assert.Equal(2, _cluster.Calls.Meant);
    }
}
