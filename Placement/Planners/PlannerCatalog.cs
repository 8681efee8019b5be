using System.Collections.Immutable;
using MoEActors.Placement.Planners.Incremental;

namespace MoEActors.Placement.Planners;

/// <summary>The policies by name.</summary>
public static class PlannerCatalog
{
    /// <summary>One of each, the baseline first and our own last.</summary>
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
