namespace MoEActors.Grains.Interfaces.Experts;

/// <summary>
/// The authority over one expert shard, on the silo whose worker holds it. It owns no memory: the shard lives in the worker host's table.
/// Key: <c>model/layer/expert/replica.slice</c>.
/// </summary>
[Alias("moe.IExpertGrain")]
public interface IExpertGrain : IGrainWithStringKey
{
    /// <summary>Where the shard is and how far it has been trained.</summary>
    [Alias("status"), ResponseTimeout("00:00:10")]
    Task<ExpertStatus> GetStatusAsync();
}

/// <summary>Where a shard is and how far it has been trained.</summary>
/// <param name="Shard">The shard, as <c>layer/expert/replica.slice</c>.</param>
/// <param name="Silo">The silo that holds it.</param>
/// <param name="Device">Its device there.</param>
/// <param name="Version">Committed steps.</param>
/// <param name="Parameters">Number of parameters.</param>
[GenerateSerializer, Immutable, Alias("moe.expert.status")]
public sealed record ExpertStatus(
    [property: Id(0)] string Shard, [property: Id(1)] string Silo, [property: Id(2)] int Device, [property: Id(3)] long Version,
    [property: Id(4)] long Parameters);
