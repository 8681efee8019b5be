using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Placement;
using MoEActors.Grains.Workers;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace MoEActors.Grains.Gates;

/// <summary>Speaks for the routing of one layer on one rank, beside the tokens it routes.</summary>
[PinnedPlacement]
[KeepAlive]
[GrainDirectory(MoEGrainDirectory.Name)]
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
        GatePolicyMessage policy = GatePolicyMessage.From(model.Gates.Of(_layer));
        if (model.Gradients.Counts.Published is not { } routing)
        {
            return Task.FromResult(new GateStatus { Layer = _layer, Rank = _rank, Silo = host.Silo, Policy = policy });
        }

        return Task.FromResult(new GateStatus
        {
            Layer = _layer,
            Rank = _rank,
            Silo = host.Silo,
            Policy = policy,
            Step = routing.Step,
            ChosenTokens = routing.Chosen[_layer],
            KeptTokens = routing.Kept[_layer],
            Routers = [.. routing.Routers.Where(part => part.Layer == _layer)],
            Losses = [.. routing.Losses.Where(part => part.Layer == _layer)],
        });
    }

    private PlacementRefusedException Away() =>
        new($"Grain '{this.GetPrimaryKeyString()}' has moved away from silo {host.Silo}; ask again.");
}
