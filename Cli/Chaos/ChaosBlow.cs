namespace MoEActors.Cli.Chaos;

/// <summary>A disaster that has begun.</summary>
/// <param name="Silos">The silos that it hits.</param>
/// <param name="Last">The last step that was acknowledged before it.</param>
/// <param name="Since">When the last silo was hit.</param>
/// <param name="IsOver">Whether a step that is acknowledged shows that the run goes on.</param>
/// <param name="MendAsync">Puts right what does not come right by itself, when the run goes on.</param>
internal sealed record ChaosBlow(int[] Silos, Acknowledgement Last, long Since, Func<Acknowledgement, bool> IsOver, Func<CancellationToken, Task> MendAsync);

/// <summary>A step that the client knows to be committed.</summary>
/// <param name="Step">The step.</param>
/// <param name="View">The view that learnt it.</param>
/// <param name="Workers">Workers of that view.</param>
/// <param name="Time">When it was acknowledged.</param>
internal sealed record Acknowledgement(long Step, long View, int Workers, long Time)
{
    /// <summary>Steps that had been learnt again until then.</summary>
    public long Repeated { get; init; }
}

/// <summary>Does what a plan says.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="model">The model that it trains.</param>
/// <param name="mark">Says now which step was acknowledged last, and the time.</param>
internal sealed class ChaosStrike(IVictims cluster, string model, Func<(Acknowledgement Last, long Time)> mark)
{
    /// <summary>Less than two probes take until they count as missed.</summary>
    private static readonly TimeSpan MostOfShortFreeze = TimeSpan.FromMilliseconds(700);

    /// <summary>More than it takes to notice that a peer is silent.</summary>
    private static readonly TimeSpan LeastOfLongFreeze = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan RestOfLongFreeze = TimeSpan.FromSeconds(8);

    /// <summary>Begins a disaster. Since the last silo was hit the clock runs, and steps that are learnt again count.</summary>
    public async Task<ChaosBlow> BeginAsync(ChaosEvent one, CancellationToken cancellation)
    {
        int first = one.What == Disaster.CoordinatorAndNeighbour ? await cluster.HomeAsync(model) ?? one.Silo : one.Silo;
        int other = (first + 1) % cluster.Count;
        switch (one.What)
        {
            case Disaster.Silo:
                return await KillAsync([first], cancellation);
            case Disaster.Neighbours or Disaster.CoordinatorAndNeighbour:
                return await KillAsync([first, other], cancellation);
            case Disaster.DuringRecovery:
                await cluster.KillAsync([first], cancellation);
                await Task.Delay(one.Chance * cluster.Recovery, cancellation);
                ChaosBlow second = await KillAsync([other], cancellation);
                return second with { Silos = [first, other], MendAsync = stop => cluster.ReviveAsync([first, other], stop) };
            case Disaster.ShortFreeze:
                return await FreezeShortlyAsync(first, one.Chance * MostOfShortFreeze, cancellation);
            case Disaster.LongFreeze:
                return Freeze(first, LeastOfLongFreeze + (one.Chance * RestOfLongFreeze), cancellation);
            case Disaster.Silence or Disaster.FastPathCut:
                return Silence([first], () => cluster.Silence(first, one.What == Disaster.FastPathCut));
            case Disaster.Cut:
                return Silence([first, other], () => cluster.Cut(first, other));
            case Disaster.Store:
                return await KillStoreAsync(StoreLoss.Nothing, cancellation);
            case Disaster.StoreAndSilo:
                ChaosBlow both = await KillStoreAsync(StoreLoss.Nothing, cancellation);
                await cluster.KillAsync([first], cancellation);
                return both with { Silos = [first], IsOver = ack => ack.View > both.Last.View && ack.Time > both.Since, MendAsync = stop => cluster.ReviveAsync([first], stop) };
            case Disaster.ForgetfulStore:
                return await KillStoreAsync(StoreLoss.Tail, cancellation);
            case Disaster.DamagedStore:
                return await KillStoreAsync(StoreLoss.Damage, cancellation);
            default:
                throw new InvalidOperationException($"Nobody knows how to do {one.What}.");
        }
    }

    private async Task<ChaosBlow> KillAsync(int[] silos, CancellationToken cancellation)
    {
        (Acknowledgement last, long time) = mark();
        await cluster.KillAsync(silos, cancellation);
        return new ChaosBlow(silos, last, time, ack => ack.View > last.View && ack.Time > time, stop => cluster.ReviveAsync(silos, stop));
    }

    private async Task<ChaosBlow> FreezeShortlyAsync(int silo, TimeSpan length, CancellationToken cancellation)
    {
        (Acknowledgement last, long time) = mark();
        cluster.Freeze(silo);
        try
        {
            await Task.Delay(length, cancellation);
        }
        finally
        {
            cluster.Thaw(silo);
        }

        long thawed = mark().Time;
        return new ChaosBlow([silo], last, time, ack => ack.Time > thawed, _ => Task.CompletedTask);
    }

    private ChaosBlow Freeze(int silo, TimeSpan length, CancellationToken cancellation)
    {
        (Acknowledgement last, long time) = mark();
        cluster.Freeze(silo);
        Task thawing = ThawAsync();
        return new ChaosBlow([silo], last, time, ack => ack.View > last.View && ack.Time > time, _ => thawing);

        async Task ThawAsync()
        {
            await Task.Delay(length, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cluster.Thaw(silo);
        }
    }

    private async Task<ChaosBlow> KillStoreAsync(StoreLoss loss, CancellationToken cancellation)
    {
        (Acknowledgement last, long time) = mark();
        await cluster.KillStoreAsync(loss, () => (last, time) = mark(), cancellation);

        // One step may have been decided before, and its outcome be on the way.
        return new ChaosBlow([], last, time, ack => ack.Step > last.Step + 1 && ack.Time > time, _ => Task.CompletedTask);
    }

    private ChaosBlow Silence(int[] silos, Action silence)
    {
        (Acknowledgement last, long time) = mark();
        silence();
        return new ChaosBlow(silos, last, time, ack => ack.View > last.View && ack.Time > time && ack.Workers < cluster.Count, Heal);

        Task Heal(CancellationToken stop)
        {
            cluster.Heal();
            return Task.CompletedTask;
        }
    }
}
