using System.Diagnostics;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Placement;
using MoEActors.Grains.Workers;
using MoEActors.Placement.Map;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Experts;

/// <summary>
/// Speaks for one expert shard. It attaches to the shard in its silo's table when it is activated, and frees nothing when it goes: memory is
/// the worker host's. When its shard has moved it follows with a manifest, and refuses to begin where the shard is not, or not at that version.
/// </summary>
[PinnedPlacement]
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
[Immovable]
public sealed class ExpertGrain(WorkerHost host) : Grain, IExpertGrain, IGrainMigrationParticipant
{
    private const string ManifestKey = "moe.expert";

    /// <summary>How long an activation stays at least before it migrates. One that is younger ends instead, and begins anew where the map says.</summary>
    /// <remarks>Orleans stalls for half a minute when a grain migrates back to a silo that it has not quite left.</remarks>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    private readonly long _since = Stopwatch.GetTimestamp();
    private string _model = "";
    private ShardId _shard;
    private ExpertManifest? _manifest;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        string key = this.GetPrimaryKeyString();
        _model = GrainKeys.Model(key);
        _shard = GrainKeys.Shard(key);
        if (!host.Belongs(key))
        {
            // To begin and refuse later would not do: only a failed activation makes the caller's silo forget that the grain was here.
            throw Away();
        }

        (_, WorkerModel model) = host.Find(_model, _shard);
        if (_manifest is not null && _manifest != new ExpertManifest(_shard.ToString(), model.Parameters.Version))
        {
            throw new PlacementRefusedException(
                $"Grain '{key}' came to silo {host.Silo} for shard {_manifest.Shard} at step {_manifest.Version}; the table there has shard {_shard} at step {model.Parameters.Version}.");
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        // The shard itself may be gone already. Without a manifest the next activation goes by the table alone.
        if (host.VersionOf(_model) is { } version)
        {
            dehydrationContext.TryAddValue(ManifestKey, new ExpertManifest(_shard.ToString(), version));
        }
    }

    /// <inheritdoc />
    public void OnRehydrate(IRehydrationContext rehydrationContext) => rehydrationContext.TryGetValue(ManifestKey, out _manifest);

    /// <inheritdoc />
    public Task<ExpertStatus> GetStatusAsync()
    {
        if (!host.Belongs(this.GetPrimaryKeyString()))
        {
            Follow();
            throw Away();
        }

        (Worker worker, WorkerModel model) = host.Find(_model, _shard);
        long parameters = model.Parameters.Shards[_shard.ExpertId].Parameters.Sum(parameter => (long)parameter.Shape.Count);
        return Task.FromResult(new ExpertStatus(_shard.ToString(), host.Silo, worker.Id.Device, model.Parameters.Version, parameters));
    }

    /// <inheritdoc />
    public Task MoveAsync(string silo)
    {
        // The shard has gone ahead, and the placement director answers from the map that has it there.
        if (silo != host.Silo)
        {
            Follow();
        }

        return Task.CompletedTask;
    }

    private void Follow()
    {
        if (Stopwatch.GetElapsedTime(_since) < Settling || !host.HasPlace(this.GetPrimaryKeyString()))
        {
            DeactivateOnIdle();
        }
        else
        {
            MigrateOnIdle();
        }
    }

    private PlacementRefusedException Away() =>
        new($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
}
