namespace MoEActors.Tests.Runtime.Grains;

public class TurnGrain : Grain, ITurnGrain
{
    private int _count;

    public Task Hold(string gate) => Gate.Of(gate).PassAsync();

    public Task HoldInterleaved(string gate) => Gate.Of(gate).PassAsync();

    public Task HoldReading(string gate) => Gate.Of(gate).PassAsync();

    public Task Plain() => Task.CompletedTask;

    public Task Interleaved() => Task.CompletedTask;

    public Task Reading() => Task.CompletedTask;

    public async Task Send(string gate)
    {
        await Gate.Of(gate).PassAsync();
        Gate.Of(gate + "-after").PassAsync().Ignore();
    }

    public async Task<bool> StaysOnScheduler()
    {
        TaskScheduler own = TaskScheduler.Current;
        await Task.Yield();
        bool stays = own != TaskScheduler.Default && TaskScheduler.Current == own;
        await Task.Run(() => { });
        return stays && TaskScheduler.Current == own;
    }

    public Task StartWithoutAwait(string gate, string done)
    {
        RunOnAsync(TaskScheduler.Current, gate, done).Ignore();
        return Task.CompletedTask;
    }

    public async Task<bool> ComeBack(string other, bool allowed)
    {
        using var section = allowed ? RequestContext.AllowCallChainReentrancy() : RequestContext.SuppressCallChainReentrancy();
        return await GrainFactory.GetGrain<ITurnGrain>(other).Echo(this.GetPrimaryKeyString());
    }

    public async Task<bool> Echo(string back)
    {
        Task call = GrainFactory.GetGrain<ITurnGrain>(back).HoldBriefly("open");
        await Task.WhenAny(call);
        return call.IsCompletedSuccessfully;
    }

    public async Task HoldBriefly(string gate)
    {
        await Gate.Of(gate).PassAsync();
        _count++;
        Gate.Of(gate + "-after").PassAsync().Ignore();
    }

    public async Task<int> Count()
    {
        int before = _count;
        await Task.Yield();
        _count = before + 1;
        return _count;
    }

    public async Task<string> WaitFor(string gate, CancellationToken token)
    {
        try
        {
            await Gate.Of(gate).PassAsync().WaitAsync(token);
            return "opened";
        }
        catch (OperationCanceledException)
        {
            Gate.Of(gate + "-canceled").PassAsync().Ignore();
            throw;
        }
    }

    private static async Task RunOnAsync(TaskScheduler own, string gate, string done)
    {
        await Gate.Of(gate).PassAsync();
        if (TaskScheduler.Current == own)
        {
            Gate.Of(done).PassAsync().Ignore();
        }
    }
}
