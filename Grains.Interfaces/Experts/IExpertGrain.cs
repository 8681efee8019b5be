namespace MoEActors.Grains.Interfaces.Experts;

/// <summary>
/// The authority over one expert shard, on the silo whose worker holds it. It owns no memory: the shard lives in the worker host's table.
/// Key: <c>model/layer/expert/replica.slice</c>.
/// </summary>
[Alias("moe.IExpertGrain")]
public interface IExpertGrain : IGrainWithStringKey
{
    /// <summary>Where the shard is and how far it has been trained.</summary>
    [Alias("status")]
    Task<ExpertStatus> GetStatusAsync();

    /// <summary>Sends the grain after its shard, which lives on another silo since the epoch that has just opened.</summary>
    /// <param name="silo">Address of that silo.</param>
    [Alias("move")]
    Task MoveAsync(string silo);
}
