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
public sealed record LayerPlan
{
    /// <summary>Layer of the model.</summary>
    public required int Layer { get; init; }

    /// <summary>Where the experts shall be.</summary>
    public required LayerPlacement Target { get; init; }

    /// <summary>The shards that arrive somewhere; empty when replicas are only dropped.</summary>
    public required ImmutableArray<ShardMove> Moves { get; init; }

    /// <summary>Balance ratio of the recent steps with live quotas: now, and if the plan had been applied.</summary>
    public required (double Before, double After) Ratio { get; init; }

    /// <summary>Seconds of the layer in one training step, as <see cref="Ratio"/>.</summary>
    public required (double Before, double After) Seconds { get; init; }

    /// <summary>Seconds that the transfers take.</summary>
    public required double MoveSeconds { get; init; }

    /// <summary>Predicted gain, in seconds per training step.</summary>
    public double Gain => Seconds.Before - Seconds.After;

    /// <summary>One sentence for logs and status.</summary>
    public string Reason => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"Layer {Layer}: {Moves.Length} shards move, balance ratio {Ratio.Before:F3} -> {Ratio.After:F3}, {Gain * 1e3:F3} ms a step for {MoveSeconds * 1e3:F3} ms of transfers.");

    /// <inheritdoc />
    public override string ToString() => Reason;
}
