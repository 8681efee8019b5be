namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>
/// Speaks for the routing of one layer on one rank, beside the tokens it routes: policy and statistics. The training grain changes policies, on all
/// ranks alike. Key:
/// <c>model/layer/gate/rank</c>.
/// </summary>
[Alias("moe.IGateGrain")]
public interface IGateGrain : IGrainWithStringKey
{
    /// <summary>The policy in force and what it has led to.</summary>
    [Alias("status")]
    Task<GateStatus> GetStatusAsync();
}
