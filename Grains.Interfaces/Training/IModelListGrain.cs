namespace MoEActors.Grains.Interfaces.Training;

/// <summary>Tells which models a cluster has. Any activation can: it reads the store. Key: 0.</summary>
[Alias("moe.IModelListGrain")]
public interface IModelListGrain : IGrainWithIntegerKey
{
    /// <summary>The models and layers, in the ordinal order of their names.</summary>
    [Alias("list")]
    [ResponseTimeout("00:00:10")]
    Task<ModelSummary[]> ListAsync();
}

/// <summary>A model of a cluster.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Step">Committed steps.</param>
/// <param name="IsLayer">Whether it is a single layer for a backbone of its caller's.</param>
/// <param name="IsStopped">Whether its run was stopped, until somebody opens it.</param>
[GenerateSerializer, Immutable, Alias("moe.model.summary")]
public sealed record ModelSummary(
    [property: Id(0)] string Name, [property: Id(1)] long Step, [property: Id(2)] bool IsLayer, [property: Id(3)] bool IsStopped = false);
