using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Placement;
using MoEActors.Grains.Workers;
using MoEActors.Placement;
using Orleans.Placement;

namespace MoEActors.Grains.Experts;

/// <summary>
/// Speaks for one expert shard. It attaches to the shard in its silo's table when it is activated, and frees nothing when it goes: memory is
/// the worker host's.
/// </summary>
[PinnedPlacement]
[KeepAlive]
[Immovable]
public sealed class ExpertGrain(WorkerHost host) : Grain, IExpertGrain
{
    private string _model = "";
    private ShardId _shard;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        string key = this.GetPrimaryKeyString();
        _model = GrainKeys.Model(key);
        _shard = GrainKeys.Shard(key);
        host.Find(_model, _shard);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<ExpertStatus> GetStatusAsync()
    {
        if (!host.Belongs(this.GetPrimaryKeyString()))
        {
            DeactivateOnIdle();
            throw new PlacementRefusedException($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
        }

        (Worker worker, WorkerModel model) = host.Find(_model, _shard);
        long parameters = model.Shards[_shard].Parameters.Sum(parameter => (long)parameter.Shape.Count);
        return Task.FromResult(new ExpertStatus(_shard.ToString(), host.Silo, worker.Id.Device, model.Version, parameters));
    }

    /// <inheritdoc />
    public Task MoveAsync(string silo)
    {
        // The shard has gone ahead; the next call finds the grain's new place in the map.
        if (silo != host.Silo)
        {
            DeactivateOnIdle();
        }

        return Task.CompletedTask;
    }
}
