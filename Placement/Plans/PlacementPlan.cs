using System.Collections.Immutable;

namespace MoEActors.Placement.Plans;

/// <summary>A plan for the whole model: a value, whether or not it is carried out. The most rewarding layer comes first.</summary>
/// <param name="Step">The last step whose load it is made from.</param>
/// <param name="Layers">The layers that change.</param>
public sealed record PlacementPlan(long Step, ImmutableArray<LayerPlan> Layers)
{
    /// <summary>Shards that arrive somewhere.</summary>
    public int Moves => Layers.Sum(layer => layer.Moves.Length);

    /// <summary>Predicted gain, in seconds per training step.</summary>
    public double Gain => Layers.Sum(layer => layer.Gain);

    /// <summary>Seconds that the transfers take.</summary>
    public double MoveSeconds => Layers.Sum(layer => layer.MoveSeconds);
}
