using System.Collections.Concurrent;

namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A grain whose life is written down, by key.</summary>
public sealed class LifeGrain(IGrainContext context) : Grain, ILifeGrain
{
    private IGrainTimer? _timer;
    private int _ticks;
    private int _touches;

    public static ConcurrentDictionary<string, ConcurrentQueue<string>> Lives { get; } = new();

    public static ConcurrentDictionary<string, bool> Refuses { get; } = new();

    /// <summary>Gates that the next activation of a key waits at.</summary>
    public static ConcurrentDictionary<string, string> Holds { get; } = new();

    private string Key => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (Holds.TryRemove(Key, out string? gate))
        {
            await Gate.Of(gate).PassAsync();
        }

        if (Refuses.TryRemove(Key, out _))
        {
            throw new InvalidOperationException("not today");
        }

        Note("activated");
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Note("deactivated: " + reason.ReasonCode);
        return Task.CompletedTask;
    }

    public Task<int> Touch() => Task.FromResult(++_touches);

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task HoldAndLeave(string gate)
    {
        DeactivateOnIdle();
        await Gate.Of(gate).PassAsync();
    }

    public Task<string> Identity() => Task.FromResult($"{context.GrainId} {context.GrainId == this.GetGrainId()} {GrainContext.GrainId.Key}");

    public Task StartTimer(string gate, bool interleave)
    {
        _timer = this.RegisterGrainTimer(
            async token =>
            {
                _ticks++;
                await Gate.Of(gate).PassAsync();
            },
            new GrainTimerCreationOptions(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1)) { Interleave = interleave });
        return Task.CompletedTask;
    }

    public Task HoldTicks(string gate) => Gate.Of(gate).PassAsync();

    public Task<int> Ticks() => Task.FromResult(_ticks);

    public Task StopTimer()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    private void Note(string what) => Lives.GetOrAdd(Key, _ => new ConcurrentQueue<string>()).Enqueue(what);
}
