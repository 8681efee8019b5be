using MoEActors.Workers.Exchange;

namespace MoEActors.Workers.Training;

/// <summary>Times one model's steps on one worker.</summary>
internal sealed class StepTimes(IDevice device, int layers)
{
    private TimeSpan _helpersBefore = device.HelperTime;

    /// <summary>The executor thread's clock.</summary>
    public PhaseClock Clock { get; } = new(layers);

    /// <summary>Times work that begins in a phase, and counts the managed bytes that it allocates.</summary>
    public T Measure<T>(Phase phase, Func<T> work, out long allocated)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Clock.Start(phase);
        try
        {
            return work();
        }
        finally
        {
            Clock.Stop();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    /// <summary>What has been measured since the last call.</summary>
    /// <param name="sent">What layers sent to other workers meanwhile.</param>
    public WorkerTiming Take(SentTraffic sent)
    {
        TimeSpan helpers = device.HelperTime;
        var timing = new WorkerTiming
        {
            Elapsed = Seconds(Clock.Elapsed),
            Busy = Seconds(Clock.Busy),
            MixtureElapsed = [.. Enumerable.Range(0, layers).Select(Clock.ElapsedIn)],
            MixtureBusy = [.. Enumerable.Range(0, layers).Select(Clock.BusyIn)],
            ExpertsBusy = [.. Enumerable.Range(0, layers).Select(Clock.BusyInExperts)],
            HelperSeconds = (helpers - _helpersBefore).TotalSeconds,
            SentBytes = sent.Bytes,
            SentMessages = sent.Messages,
        };
        _helpersBefore = helpers;
        Clock.Reset();
        return timing;
    }

    private static PhaseSeconds Seconds(Func<Phase, double> of) => new()
    {
        Idle = of(Phase.Idle),
        Experts = of(Phase.Experts),
        Attention = of(Phase.Attention),
        Gate = of(Phase.Gate),
        Exchange = of(Phase.Exchange),
        Dense = of(Phase.Dense),
        Gradients = of(Phase.Gradients),
        Update = of(Phase.Update),
    };
}
