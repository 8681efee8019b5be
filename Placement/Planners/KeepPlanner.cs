namespace MoEActors.Placement.Planners;

/// <summary>Leaves everything where it is: the static placement stays static. O(1).</summary>
public sealed class KeepPlanner : IPlanner
{
    /// <inheritdoc />
    public string Name => "static";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem) => problem.Current;
}
