using System.Collections.Concurrent;

namespace MoEActors.Tests.Runtime.Grains;

public sealed class OddGrain : Grain, IOddGrain, IAsyncDisposable
{
    private static readonly ConcurrentDictionary<long, TaskCompletionSource> Disposals = new();
    private bool _leavesBadly;
    private int _ticks;

    /// <summary>Ends when an activation of the grain has been disposed.</summary>
    public static Task Disposed(long key) =>
        Disposals.GetOrAdd(key, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public ValueTask<long> Key() => ValueTask.FromResult(this.GetPrimaryKeyLong());

    public ValueTask Nothing() => ValueTask.CompletedTask;

    public Task<IOddGrain> Self() => Task.FromResult(this.AsReference<IOddGrain>());

    public async Task<long> KeyOf(IOddGrain other) => await other.Key();

    public Task<long> AskFromThreadPool(IOddGrain other) => Task.Run(async () => await other.Key());

    public Task StartFailingTimer(string gate)
    {
        this.RegisterGrainTimer(
            () =>
            {
                if (++_ticks == 3)
                {
                    Gate.Of(gate).PassAsync().Ignore();
                }

                throw new InvalidOperationException("a bad tick");
            },
            TimeSpan.FromMilliseconds(1),
            TimeSpan.FromMilliseconds(1));
        return Task.CompletedTask;
    }

    public Task LeaveBadly()
    {
        _leavesBadly = true;
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        _leavesBadly ? throw new InvalidOperationException("a bad end") : Task.CompletedTask;

    public Task<List<string>> Mutable()
    {
        var list = (List<string>)RequestContext.Get("list")!;
        list.Add("callee");
        return Task.FromResult(list);
    }

    public ValueTask DisposeAsync()
    {
        _ = Disposed(this.GetPrimaryKeyLong());
        Disposals[this.GetPrimaryKeyLong()].TrySetResult();
        return ValueTask.CompletedTask;
    }
}
