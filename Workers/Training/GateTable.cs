using MoEActors.Modules.Gates;

namespace MoEActors.Workers.Training;

/// <summary>The routing policies of one model on one worker, as it was told. Changed by the executor; grains of the silo read it at any time.</summary>
internal sealed class GateTable(ModelConfiguration model)
{
    private volatile IReadOnlyList<GatePolicy> _policies = [];

    /// <summary>Has gates route by these policies from the next pass on; layers that are not named, as the run began.</summary>
    /// <exception cref="ArgumentException">A gate refuses its policy.</exception>
    public void Apply(IReadOnlyList<GatePolicy> policies, IRoutedModel routed)
    {
        foreach (int layer in model.MoELayers)
        {
            GateOptions wanted = policies.FirstOrDefault(gate => gate.Layer == layer)?.Options ?? model.Gate;
            IGate gate = routed.GateOf(layer)!;
            if (gate.Options != wanted)
            {
                gate.Reconfigure(wanted);
            }
        }

        _policies = policies;
    }

    /// <summary>The policy of a layer.</summary>
    public GatePolicy Of(int layer) => _policies.FirstOrDefault(gate => gate.Layer == layer) ?? new GatePolicy(layer, 1, model.Gate);
}
