namespace MoEActors.Placement.Planners;

/// <summary>A policy of placement: a pure function of load, placement, room and costs.</summary>
public interface IPlanner
{
    /// <summary>Name of the policy, as users type it.</summary>
    string Name { get; }

    /// <summary>Places the experts of one layer. The answer covers every expert, fits the slots and may be the current placement.</summary>
    LayerPlacement Plan(LayerProblem problem);
}
