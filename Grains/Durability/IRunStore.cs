using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Durability;

/// <summary>Keeps runs, their batch logs and what their directors decided. Terms and decisions rest on its compare-and-swap.</summary>
public interface IRunStore
{
    /// <summary>The record of a model; null when there is none.</summary>
    Task<RunRecord?> ReadAsync(string model);

    /// <summary>Writes <paramref name="record"/> if the stored version is still <c>record.Version − 1</c> (0 when there is none).</summary>
    /// <returns>False when another coordinator has written meanwhile.</returns>
    Task<bool> TryWriteAsync(string model, RunRecord record);

    /// <summary>Names of the models that have a record.</summary>
    Task<IReadOnlyList<string>> ListAsync();

    /// <summary>Removes a model's record, batches and decisions if the stored version is still <paramref name="version"/>.</summary>
    /// <returns>False when another coordinator has written meanwhile.</returns>
    Task<bool> TryDeleteAsync(string model, long version);

    /// <summary>Logs the batch of a step, replacing one that was logged for it and never committed.</summary>
    Task WriteBatchAsync(string model, StepRequest batch);

    /// <summary>Forgets the batches of some steps, which nobody will learn again.</summary>
    /// <param name="model">The model.</param>
    /// <param name="from">The first of them.</param>
    /// <param name="through">The last of them.</param>
    Task TrimBatchesAsync(string model, long from, long through);

    /// <summary>The batch of a step; null when none is logged.</summary>
    Task<StepRequest?> ReadBatchAsync(string model, long step);

    /// <summary>The last decisions of a model's director, oldest first; empty when there are none.</summary>
    Task<IReadOnlyList<DirectorDecision>> ReadDecisionsAsync(string model);

    /// <summary>Keeps the last decisions of a model's director in place of those before.</summary>
    Task WriteDecisionsAsync(string model, IReadOnlyList<DirectorDecision> decisions);
}
