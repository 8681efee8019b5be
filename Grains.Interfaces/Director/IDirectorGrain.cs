using Orleans.Concurrency;

namespace MoEActors.Grains.Interfaces.Director;

/// <summary>
/// Watches the load of one model and proposes plans of placement to its training grain. It owns the load window, the decisions, their reasons
/// and effects; it changes nothing itself. Key: the model's name.
/// </summary>
[Alias("moe.IDirectorGrain")]
public interface IDirectorGrain : IGrainWithStringKey
{
    /// <summary>The load of a committed step. Nobody waits for what comes of it.</summary>
    [Alias("observe")]
    [OneWay]
    Task ObserveAsync(StepLoad load);

    /// <summary>A plan is in force, or was given up.</summary>
    [Alias("conclude")]
    [OneWay]
    Task ConcludeAsync(PlanConclusion conclusion);

    /// <summary>What it sees and has done.</summary>
    [Alias("status")]
    [ResponseTimeout("00:00:10")]
    Task<DirectorStatus> GetStatusAsync();
}
