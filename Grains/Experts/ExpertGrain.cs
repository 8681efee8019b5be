using System.Diagnostics;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Workers.Host;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Experts;

/// <summary>
/// The authority over one expert shard. It attaches to the shard in its silo's table when it is activated, and frees nothing when it goes: memory is
/// the worker host's. When its shard has moved it follows with a manifest, and refuses to begin where the shard is not, or not at that version.
/// </summary>
[PinnedPlacement]
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
[Immovable]
public sealed class ExpertGrain(WorkerHost host, GrainPlaces places) : Grain, IExpertGrain, IExpertProtocol, IGrainMigrationParticipant
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
        if (places.SiloOf(key) != host.Silo)
        {
            // To begin and refuse later would not do: only a failed activation makes the caller's silo forget that the grain was here.
            throw Away();
        }

        (_, ShardState shard) = Find();
        if (_manifest is not null && _manifest != new ExpertManifest(_shard.ToString(), shard.Version))
        {
            throw new PlacementRefusedException(
                $"Grain '{key}' came to silo {host.Silo} for shard {_manifest.Shard} at step {_manifest.Version}; the table there has shard {_shard} at step {shard.Version}.");
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
        if (places.SiloOf(this.GetPrimaryKeyString()) != host.Silo)
        {
            Follow();
            throw Away();
        }

        (WorkerId worker, ShardState shard) = Find();
        return Task.FromResult(new ExpertStatus(_shard.ToString(), host.Silo, worker.Device, shard.Version, shard.Parameters));
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
        if (Stopwatch.GetElapsedTime(_since) < Settling || places.SiloOf(this.GetPrimaryKeyString()) is null)
        {
            DeactivateOnIdle();
        }
        else
        {
            MigrateOnIdle();
        }
    }

    /// <summary>The shard in the table of the worker that the map has it on.</summary>
    /// <exception cref="PlacementRefusedException">It is not there.</exception>
    private (WorkerId Worker, ShardState Shard) Find()
    {
        WorkerId place = places.WorkerOf(this.GetPrimaryKeyString());
        return host.FindShard(_model, place, _shard.ExpertId) is { } shard
            ? (place, shard)
            : throw new PlacementRefusedException(
                $"Shard {_shard} of model '{_model}' is not on silo {host.Silo}: the placement map and the shard tables disagree; open a new view.");
    }

    private PlacementRefusedException Away() =>
        new($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
}
