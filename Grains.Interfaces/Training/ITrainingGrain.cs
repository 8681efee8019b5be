using MoEActors.Modules.Models;
using Orleans.Concurrency;

namespace MoEActors.Grains.Interfaces.Training;

/// <summary>
/// The coordinator of one model: term, view, step counter, batch log and commit decisions. Work is submitted and its outcome learnt by
/// short polls, since a step may take longer than any call may. A client that called through a silo which died gets no answer until the call
/// times out, hence the short limits; every call may be repeated. Key: the model's name.
/// </summary>
[Alias("moe.ITrainingGrain")]
public interface ITrainingGrain : IGrainWithStringKey
{
    /// <summary>Creates the model, or opens it when it exists with the same configuration, and begins to open its view.</summary>
    /// <param name="configuration">The run's definition.</param>
    /// <param name="placement">Where the experts go; null for the static placement over all workers.</param>
    /// <returns>A ticket; its outcome is an <see cref="ViewOutcome"/>.</returns>
    /// <exception cref="Errors.InvalidRequestException">The configuration cannot work, or differs from the existing model's.</exception>
    [Alias("create")]
    [ResponseTimeout("00:00:10")]
    Task<long> CreateAsync(RunConfiguration configuration, PlacementRequest? placement);

    /// <summary>Creates the model from a checkpoint and begins to open its view. Training goes on as if it had never stopped.</summary>
    /// <param name="place">The checkpoint, a path or a file: URI, which every silo resolves for itself.</param>
    /// <param name="placement">Where the experts go; null for the static placement over all workers.</param>
    /// <returns>A ticket; its outcome is an <see cref="ViewOutcome"/>.</returns>
    /// <exception cref="Errors.CheckpointFailedException">There is no checkpoint that can be read.</exception>
    /// <exception cref="Errors.InvalidRequestException">A model of that name exists.</exception>
    [Alias("restore")]
    Task<long> RestoreAsync(string place, PlacementRequest? placement);

    /// <summary>
    /// Creates the model from the parameters of a checkpoint alone and begins to open its view: it evaluates and generates, and neither learns nor is saved.
    /// </summary>
    /// <inheritdoc cref="RestoreAsync" />
    [Alias("restore-inference")]
    Task<long> RestoreForInferenceAsync(string place, PlacementRequest? placement);

    /// <summary>Logs a batch and queues its step.</summary>
    /// <param name="request">The micro-batches and the step's number; a step that is logged already is not logged again.</param>
    /// <returns>A ticket; its outcome is a <see cref="StepOutcome"/>.</returns>
    /// <exception cref="Errors.InvalidRequestException">The batch does not fit the model.</exception>
    /// <exception cref="Errors.StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="Errors.StaleCommandException">The step is not the next one.</exception>
    [Alias("step")]
    [ResponseTimeout("00:00:03")]
    Task<long> SubmitStepAsync(StepRequest request);

    /// <summary>Queues other work of the whole cluster.</summary>
    /// <returns>A ticket; its outcome is the one that belongs to the request.</returns>
    [Alias("work")]
    [ResponseTimeout("00:00:03")]
    Task<long> SubmitAsync(WorkRequest request);

    /// <summary>Begins to delete the model, once what was submitted before is done. From now on everything else is refused.</summary>
    /// <returns>A ticket; its outcome is a <see cref="DeleteOutcome"/>.</returns>
    [Alias("delete")]
    [ResponseTimeout("00:00:10")]
    Task<long> DeleteAsync();

    /// <summary>Waits up to <paramref name="slice"/> for a ticket.</summary>
    /// <returns>The outcome, or null when there is none yet.</returns>
    /// <exception cref="Errors.MoEException">The work failed.</exception>
    /// <exception cref="Errors.TicketLostException">The grain knows no such ticket: it has started anew, and the work must be asked for again.</exception>
    [Alias("wait")]
    [ResponseTimeout("00:00:02")]
    [AlwaysInterleave]
    Task<WorkOutcome?> WaitAsync(long ticket, TimeSpan slice);

    /// <summary>How the model is doing.</summary>
    /// <exception cref="Errors.ModelNotFoundException">There is no such model.</exception>
    [Alias("status")]
    [ResponseTimeout("00:00:10")]
    [AlwaysInterleave]
    Task<TrainingStatus> GetStatusAsync();
}
