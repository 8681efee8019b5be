using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Durability;

/// <summary>Keeps runs and their batch logs. Terms and decisions rest on its compare-and-swap.</summary>
public interface IRunStore
{
    /// <summary>The record of a model; null when there is none.</summary>
    Task<RunRecord?> ReadAsync(string model);

    /// <summary>Writes <paramref name="record"/> if the stored version is still <c>record.Version − 1</c> (0 when there is none).</summary>
    /// <returns>False when another coordinator has written meanwhile.</returns>
    Task<bool> TryWriteAsync(string model, RunRecord record);

    /// <summary>Logs the batch of a step, replacing one that was logged for it and never committed.</summary>
    Task WriteBatchAsync(string model, StepRequest batch);

    /// <summary>The batch of a step; null when none is logged.</summary>
    Task<StepRequest?> ReadBatchAsync(string model, long step);
}
