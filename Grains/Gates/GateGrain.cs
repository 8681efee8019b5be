using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Placement;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Gates;
using Orleans.Placement;

namespace MoEActors.Grains.Gates;

/// <summary>Speaks for the routing of one layer on one rank, beside the tokens it routes.</summary>
[PinnedPlacement]
[KeepAlive]
[Immovable]
public sealed class GateGrain(WorkerHost host) : Grain, IGateGrain
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

        if (!host.Belongs(key))
        {
            // To begin and refuse later would not do: only a failed activation makes the caller's silo forget that the grain was here.
            throw Away();
        }

        host.Find(_model, _rank);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<GateStatus> GetStatusAsync()
    {
        if (!host.Belongs(this.GetPrimaryKeyString()))
        {
            DeactivateOnIdle();
            throw Away();
        }

        (_, WorkerModel model) = host.Find(_model, _rank);
        GateOptions gate = model.View!.Model.GateOf(_layer)!.Options;
        long[] chosen = model.Counts.Chosen()[_layer];
        long dropped = chosen.Sum() - model.Counts.Kept()[_layer].Sum();
        return Task.FromResult(new GateStatus(_layer, _rank, host.Silo, gate.TopK, gate.CapacityFactor, chosen, dropped));
    }

    private PlacementRefusedException Away() =>
        new($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
}
