using MoEActors.Grains.Cluster;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Protocol;

namespace MoEActors.Grains.Pinning;

/// <summary>Brings expert and gate grains to where the map of a new view has them. O(shards) calls when everything is new, else one or two per move.</summary>
internal sealed class GrainActivation(IGrainFactory grains, RunConfiguration run, string model)
{
    private const int MostRefusals = 6;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Activates the grains of a view.</summary>
    /// <param name="map">The view's map.</param>
    /// <param name="step">Committed steps; null when training goes on meanwhile.</param>
    /// <exception cref="ViewFailedException">A grain is on another worker or at another version.</exception>
    /// <exception cref="TimeoutException">A grain cannot be reached; that, and what else Orleans throws then, tells nothing of where shards are.</exception>
    public Task ActivateAsync(PlacementMap map, long? step)
    {
        IEnumerable<Task> gates =
            from layer in run.Model.MoELayers
            from rank in Enumerable.Range(0, map.Workers.Length)
            select InPlaceAsync(grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank)).GetStatusAsync);
        return Task.WhenAll([.. gates, .. map.Shards.Select(shard => CheckAsync(shard, map, step))]);
    }

    /// <summary>Expert grains follow their shards after a change of placement that every member has adopted.</summary>
    /// <param name="before">The placement before.</param>
    /// <param name="after">The placement in force.</param>
    /// <exception cref="ViewFailedException">A grain is on another worker: a later change of placement may have overtaken this one.</exception>
    public async Task FollowAsync(PlacementMap before, PlacementMap after)
    {
        Dictionary<ShardId, WorkerId> places = before.Shards.ToDictionary(shard => shard, before.WorkerOf);
        await Task.WhenAll(after.Shards
            .Where(shard => !places.TryGetValue(shard, out WorkerId place) || place != after.WorkerOf(shard))
            .Select(shard => FollowAsync(shard, places.GetValueOrDefault(shard), after)));
        await DismissAsync(before.Shards.Except(after.Shards));
    }

    /// <summary>Tells the gates of ranks and the experts of replicas that are no more, which would otherwise stay.</summary>
    /// <param name="map">The view's map.</param>
    /// <param name="before">The map before it; null for none.</param>
    public async Task DismissAsync(PlacementMap map, PlacementMap? before)
    {
        if (before is null)
        {
            return;
        }

        IEnumerable<Task> gates =
            from layer in run.Model.MoELayers
            from rank in Enumerable.Range(map.Workers.Length, Math.Max(0, before.Workers.Length - map.Workers.Length))
            select DismissAsync(grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank)).GetStatusAsync);
        await Task.WhenAll([.. gates, DismissAsync(before.Shards.Except(map.Shards))]);
    }

    /// <summary>Ends all grains of a model that is deleted: they find that they belong nowhere.</summary>
    public Task DismissAllAsync(PlacementMap map) => Task.WhenAll(
    [
        .. from layer in run.Model.MoELayers
           from rank in Enumerable.Range(0, map.Workers.Length)
           select DismissAsync(grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank)).GetStatusAsync),
        DismissAsync(map.Shards),
    ]);

    private Task DismissAsync(IEnumerable<ShardId> gone) => Task.WhenAll(gone.Select(shard => DismissAsync(Expert(shard).GetStatusAsync)));

    private async Task FollowAsync(ShardId shard, WorkerId from, PlacementMap map)
    {
        if (from.Silo is not null && from.Silo != map.WorkerOf(shard).Silo)
        {
            await grains.GetGrain<IExpertProtocol>(GrainKeys.Expert(model, shard)).MoveAsync(map.WorkerOf(shard).Silo);
        }

        await CheckAsync(shard, map, step: null);
    }

    private static async Task DismissAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception e) when (e is PlacementRefusedException || CallFailure.IsUnanswered(e))
        {
            // It is ending, or was not there.
        }
    }

    /// <param name="shard">The shard.</param>
    /// <param name="map">Where it is.</param>
    /// <param name="step">The step that it is at; null when training goes on meanwhile.</param>
    private async Task CheckAsync(ShardId shard, PlacementMap map, long? step)
    {
        ExpertStatus status = await InPlaceAsync(Expert(shard).GetStatusAsync);
        var found = new WorkerId(status.Silo, status.Device);
        if (found != map.WorkerOf(shard) || status.Version != (step ?? status.Version))
        {
            throw new ViewFailedException(
                $"The grain of shard {shard} is that of worker {found} at step {status.Version}; the view has it on {map.WorkerOf(shard)} at {step}.");
        }
    }

    private IExpertGrain Expert(ShardId shard) => grains.GetGrain<IExpertGrain>(GrainKeys.Expert(model, shard));

    /// <summary>
    /// An activation that an earlier view left elsewhere refuses and goes, and so does one that a silo begins because it remembers the grain
    /// there; each refusal makes one silo forget.
    /// </summary>
    private static async Task<T> InPlaceAsync<T>(Func<Task<T>> call)
    {
        for (int refusals = 0; ; refusals++)
        {
            try
            {
                return await call();
            }
            catch (PlacementRefusedException) when (refusals < MostRefusals)
            {
                // Whoever calls while a refusing activation ends is refused by the same one.
                await Task.Delay(Pause * refusals);
            }
        }
    }
}
