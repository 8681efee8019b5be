using Microsoft.Extensions.Logging;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Protocol;
using MoEActors.Silo.Clustering;

namespace MoEActors.Silo.Hosting;

/// <summary>When hosts ask for models.</summary>
/// <param name="Calm">
/// How long membership must have been as it is: silos that start together are all members then, and a client that waits for its step has long asked for itself.
/// </param>
/// <param name="Pause">How long until models that have not come back are asked again.</param>
internal sealed record WakingPace(TimeSpan Calm, TimeSpan Pause)
{
    /// <summary>As it is unless a host says otherwise.</summary>
    public static WakingPace Usual { get; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15));
}

/// <summary>
/// Wakes models when silos have come or gone: a coordinator that died with its silo begins anew on another one, and a view that has lost a member, or all of
/// them, is followed by the next, whether or not a client is there to ask for it. One silo does so for all, the eldest.
/// </summary>
internal sealed class ModelWaker(
    IRunStore store, IGrainFactory grains, IClusterMembershipService membership, ILocalSiloDetails self, WakingPace pace, ILogger<ModelWaker> log)
    : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private Task _waking = Task.CompletedTask;

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(ModelWaker), ServiceLifecycleStage.Active,
        _ =>
        {
            _waking = Task.Run(WakeAsync, CancellationToken.None);
            return Task.CompletedTask;
        },
        async _ =>
        {
            await _ending.CancelAsync();
            await _waking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });

    /// <inheritdoc />
    public void Dispose() => _ending.Dispose();

    private async Task WakeAsync()
    {
        SiloAddress[] known = [];
        await using IAsyncEnumerator<ClusterMembershipSnapshot> updates = membership.MembershipUpdates.GetAsyncEnumerator(_ending.Token);
        Task<bool> update = updates.MoveNextAsync().AsTask();

        // Membership tells of more than who is there, and often: what is waited for goes on meanwhile.
        Task due = Never();
        while (true)
        {
            if (await Task.WhenAny(update, due) == due)
            {
                await due;
                due = IsEldest(known) && !await TryWakeAllAsync() ? Task.Delay(pace.Pause, _ending.Token) : Never();
                continue;
            }

            if (!await update)
            {
                return;
            }

            SiloAddress[] active = [.. updates.Current.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress).Order()];
            update = updates.MoveNextAsync().AsTask();
            if (!active.SequenceEqual(known))
            {
                (known, due) = (active, Task.Delay(pace.Calm, _ending.Token));
            }
        }
    }

    private Task Never() => Task.Delay(Timeout.InfiniteTimeSpan, _ending.Token);

    private bool IsEldest(SiloAddress[] active) =>
        self.SiloAddress.Equals(active.OrderBy(silo => silo.Generation).ThenBy(silo => silo).FirstOrDefault());

    /// <returns>Whether all models are there, or are to stay as they are.</returns>
    private async Task<bool> TryWakeAllAsync()
    {
        try
        {
            bool all = true;
            foreach (string model in await store.ListAsync())
            {
                all &= await grains.GetGrain<ITrainingProtocol>(model).WakeAsync();
            }

            return all;
        }
        catch (Exception e) when (!_ending.IsCancellationRequested)
        {
            // A store that is away, or another silo that has just died: the next round may find them.
            ClusterLog.NotAsked(log, e.Message);
            return false;
        }
    }
}
