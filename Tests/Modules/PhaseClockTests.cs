using System.Diagnostics;
using MoEActors.Modules.Timing;

namespace MoEActors.Tests.Modules;

/// <summary>The clock that splits a step by phase.</summary>
public sealed class PhaseClockTests
{
    private readonly PhaseClock _clock = new(layers: 2);

    [Fact]
    public void Every_moment_since_the_reset_is_in_one_phase()
    {
        _clock.Reset();
        long began = Stopwatch.GetTimestamp();
        _clock.Start(Phase.Dense);
        PhaseMark before = _clock.Enter(Phase.Attention);
        Work();
        _clock.Enter(before);
        _clock.Enter(new PhaseMark(Phase.Gate, 1));
        Work();
        _clock.Stop();
        double most = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double inside = _clock.Elapsed(Phase.Dense) + _clock.Elapsed(Phase.Attention) + _clock.Elapsed(Phase.Gate);

        Assert.InRange(inside, double.Epsilon, most);
        Assert.True(_clock.Elapsed(Phase.Attention) > 0);
        Assert.Equal(new PhaseMark(Phase.Dense, -1), before);
        Assert.Equal(0, _clock.Elapsed(Phase.Experts));
    }

    [Fact]
    public void A_layer_has_its_gate_its_exchange_and_its_experts_and_nothing_else()
    {
        _clock.Start(Phase.Dense);
        _clock.Enter(new PhaseMark(Phase.Gate, 1));
        Work();
        _clock.Enter(Phase.Exchange);
        Work();
        _clock.Enter(Phase.Experts);
        Work();
        _clock.Enter(Phase.Dense);
        Work();
        _clock.Stop();

        Assert.Equal(0, _clock.ElapsedIn(0));
        Assert.Equal(_clock.Elapsed(Phase.Gate) + _clock.Elapsed(Phase.Exchange) + _clock.Elapsed(Phase.Experts), _clock.ElapsedIn(1), 9);
        Assert.Equal(_clock.Busy(Phase.Gate) + _clock.Busy(Phase.Exchange) + _clock.Busy(Phase.Experts), _clock.BusyIn(1), 9);
        Assert.Equal(_clock.Busy(Phase.Exchange) + _clock.Busy(Phase.Experts), _clock.BusyInExperts(1), 9);
        Assert.True(_clock.Elapsed(Phase.Dense) > 0);
    }

    [Fact]
    public void Phases_outside_a_step_are_not_counted()
    {
        _clock.Enter(new PhaseMark(Phase.Experts, 0));
        Work();
        _clock.Stop();

        Assert.Equal(0, _clock.Elapsed(Phase.Experts));
        Assert.Equal(0, _clock.ElapsedIn(0));
        Assert.True(_clock.Elapsed(Phase.Idle) > 0);
    }

    [Fact]
    public void Processor_time_leaves_waiting_out()
    {
        Assert.SkipUnless(MoEActors.Native.Timing.ThreadTime.IsProcessorTime, "This system does not tell the processor time of a thread.");
        _clock.Start(Phase.Exchange);
        using var never = new ManualResetEventSlim();
        never.Wait(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        _clock.Stop();

        Assert.True(_clock.Busy(Phase.Exchange) < _clock.Elapsed(Phase.Exchange));
    }

    [Fact]
    public void Changing_the_phase_allocates_nothing()
    {
        Turn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Turn();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Turn()
        {
            _clock.Start(Phase.Dense);
            _clock.Enter(_clock.Enter(Phase.Experts));
            _clock.Stop();
        }
    }

    private static void Work()
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() == began)
        {
        }
    }
}
