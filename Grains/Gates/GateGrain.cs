using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Pinning;
using MoEActors.Workers.Host;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Gates;

/// <summary>The routing of one layer on one rank, beside the tokens it routes.</summary>
[PinnedPlacement]
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
[Immovable]
public sealed class GateGrain(WorkerHost host, GrainPlaces places) : Grain, IGateGrain
{
    private string _model = "";
    private int _layer;
    private int _rank;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        string key = this.GetPrimaryKeyString();
        _model = GrainKeys.Model(key);
        if (!GrainKeys.TryGate(key, out _layer, out _rank))
        {
            throw new FormatException($"'{key}' is not the key of a gate; one reads model/layer/gate/rank.");
        }

        if (places.SiloOf(key) != host.Silo)
        {
            // To begin and refuse later would not do: only a failed activation makes the caller's silo forget that the grain was here.
            throw Away();
        }

        Find();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<GateStatus> GetStatusAsync()
    {
        if (places.SiloOf(this.GetPrimaryKeyString()) != host.Silo)
        {
            DeactivateOnIdle();
            throw Away();
        }

        GateState gate = Find();
        GateStatus status = new() { Layer = _layer, Rank = _rank, Silo = host.Silo, Policy = gate.Policy };
        return Task.FromResult(gate.Statistics is not { } routing ? status : status with
        {
            Step = routing.Step,
            ChosenTokens = routing.Chosen[_layer],
            KeptTokens = routing.Kept[_layer],
            Routers = [.. routing.Routers.Where(part => part.Layer == _layer)],
            Losses = [.. routing.Losses.Where(part => part.Layer == _layer)],
        });
    }

    /// <exception cref="PlacementRefusedException">No worker of this silo has the rank.</exception>
    private GateState Find() => host.FindGate(_model, _layer, _rank)
        ?? throw new PlacementRefusedException($"Rank {_rank} of model '{_model}' is not on silo {host.Silo}; open a new view.");

    private PlacementRefusedException Away() =>
        new($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
}
