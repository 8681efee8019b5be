using Orleans.Concurrency;

namespace MoEActors.Tests.Runtime.Grains;

[Reentrant]
public sealed class ReentrantGrain : Grain, IReentrantGrain
{
    private int _inside;
    private int _most;

    public Task Hold(string gate) => Gate.Of(gate).PassAsync();

    public Task Plain() => Task.CompletedTask;

    /// <summary>Interleaves with itself at each await, and with nothing between.</summary>
    public async Task<int> Max(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            _most = Math.Max(_most, Interlocked.Increment(ref _inside));
            Interlocked.Decrement(ref _inside);
            await Task.Yield();
        }

        return _most;
    }
}
