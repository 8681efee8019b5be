using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Policy;

/// <summary>A plan for the whole model: a value, whether or not it is applied. The layer with the highest gain per move comes first.</summary>
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

/// <summary>What a plan does to one layer, why, and what it is predicted to bring.</summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Target">Where the experts shall be.</param>
/// <param name="Moves">The shards that arrive somewhere; empty when replicas are only dropped.</param>
/// <param name="Ratio">Balance ratio of the recent steps with live quotas: now, and if the plan had been applied.</param>
/// <param name="Seconds">Seconds of the layer in one training step, as <see cref="Ratio"/>.</param>
/// <param name="MoveSeconds">Seconds that the transfers take.</param>
public sealed record LayerPlan(
    int Layer, LayerPlacement Target, ImmutableArray<ShardMove> Moves, (double Before, double After) Ratio, (double Before, double After) Seconds,
    double MoveSeconds)
{
    /// <summary>Predicted gain, in seconds per training step.</summary>
    public double Gain => Seconds.Before - Seconds.After;

    /// <summary>One sentence for logs and status.</summary>
    public string Reason => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"Layer {Layer}: {(Moves.Length == 1 ? "1 shard moves" : $"{Moves.Length} shards move")}, balance ratio {Ratio.Before:F3} -> {Ratio.After:F3}, {Gain * 1e3:F3} ms a step for {MoveSeconds * 1e3:F3} ms of transfers.");

    /// <inheritdoc />
    public override string ToString() => Reason;
}
