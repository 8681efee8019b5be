using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Planners;

/// <summary>A policy of placement: a pure function of load, placement, room and costs.</summary>
public interface IPlanner
{
    /// <summary>Name of the policy on the command line.</summary>
    string Name { get; }

    /// <summary>Places the experts of one layer. The answer covers every expert, fits the slots and may be the current placement.</summary>
    LayerPlacement Plan(LayerProblem problem);
}

/// <summary>The input of a planner: one layer, its load, where its experts are and where there is room.</summary>
public sealed record LayerProblem
{
    /// <summary>Layer of the model.</summary>
    public required int Layer { get; init; }

    /// <summary>Where the experts are.</summary>
    public required LayerPlacement Current { get; init; }

    /// <summary>By rank: shards of this layer that it may hold.</summary>
    public required ImmutableArray<int> Slots { get; init; }

    /// <summary>The load of recent steps; not empty.</summary>
    public required LoadWindow Load { get; init; }

    /// <summary>What a placement costs.</summary>
    public required CostModel Costs { get; init; }

    /// <summary>How tokens are split over replicas.</summary>
    public IQuotaRule Quotas { get; init; } = new TokenQuotas();

    /// <summary>Experts that must stay as they are, because they have moved a short while ago.</summary>
    public ImmutableHashSet<int> Resting { get; init; } = [];

    /// <summary>Factor on the gain that a move must bring; grows with the moves of the layer's recent plans; 1 or more.</summary>
    public double MovePenalty { get; init; } = 1;
}

/// <summary>The policies by name.</summary>
public static class PlannerCatalog
{
    /// <summary>One of each, the static baseline first.</summary>
    public static ImmutableArray<IPlanner> All { get; } =
    [
        new KeepPlanner(),
        new RepackPlanner(),
        new ReplicateAndPackPlanner(),
        new HierarchicalPlanner(),
        new ExpandShrinkPlanner(),
        new IncrementalPlanner(),
    ];
}
