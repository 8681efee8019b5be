using System.Globalization;

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>What went wrong in a cluster: what, where, and what to do. The base of every error that grains report.</summary>
[GenerateSerializer, Alias("moe.error")]
public class MoEException : Exception
{
    /// <summary>Creates the error.</summary>
    public MoEException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public MoEException(string message, Exception? cause)
        : base(message, cause)
    {
    }
}

/// <summary>A request that cannot be carried out as it stands: a configuration, a batch or a name that does not fit. Nothing has changed.</summary>
[GenerateSerializer, Alias("moe.error.invalid")]
public sealed class InvalidRequestException(string message) : MoEException(message);

/// <summary>A model or layer that does not exist: nobody has created or restored one of that name.</summary>
[GenerateSerializer, Alias("moe.error.no-model")]
public sealed class ModelNotFoundException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The name.</param>
    public ModelNotFoundException(string model)
        : base($"There is no model '{model}'. Create it first.") => Model = model;

    /// <summary>The name.</summary>
    [Id(0)] public string Model { get; private set; }
}

/// <summary>A command of an old term, view or step, or one out of order. It changed nothing; whoever sent it is no longer, or not yet, in charge.</summary>
[GenerateSerializer, Alias("moe.error.stale")]
public sealed class StaleCommandException(string message) : MoEException(message);

/// <summary>
/// A view that did not open, or one that ended because a worker failed. The committed state is untouched. What an expert or a gate of one's own has thrown
/// is the inner exception's text, with its stack.
/// </summary>
[GenerateSerializer, Alias("moe.error.epoch")]
public sealed class ViewFailedException(string message, Exception? cause = null) : MoEException(message, cause)
{
    /// <summary>Whether a worker could not be reached, rather than failed: a view without it may do.</summary>
    [Id(0)] public bool IsUnreachable { get; init; }
}

/// <summary>
/// A layer whose backbone is the caller's lost a silo, and with it what was learnt since its last snapshot: its batches are not known here, so they cannot
/// be learnt again. It goes on from that snapshot.
/// </summary>
[GenerateSerializer, Alias("moe.error.rolled-back")]
public sealed class RolledBackException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The layer's model.</param>
    /// <param name="step">The step that it is back at.</param>
    /// <param name="lost">The last step that was committed before.</param>
    public RolledBackException(string model, long step, long lost)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"A silo was lost, and with it steps {step + 1} to {lost} of '{model}': their rows are the caller's, and cannot be learnt again from here. The layer is back at step {step}, that of its last snapshot; bring your backbone back to it, too, and go on from there."))
    {
        Step = step;
    }

    /// <summary>The step that it is back at.</summary>
    [Id(0)] public long Step { get; private set; }
}

/// <summary>
/// A run that was stopped: what was committed is in a snapshot, and the silos hold nothing of the model any more. Whoever opens the model goes on from there.
/// </summary>
[GenerateSerializer, Alias("moe.error.stopped")]
public sealed class RunStoppedException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The last step that was committed.</param>
    public RunStoppedException(string model, long step)
        : base(string.Create(CultureInfo.InvariantCulture, $"Model '{model}' was stopped after step {step}, and a snapshot has what it has learnt. Open the model to go on from there.")) => Step = step;

    /// <summary>The last step that was committed.</summary>
    [Id(0)] public long Step { get; private set; }
}

/// <summary>A placement that cannot work: it names no worker, misses an expert, or a shard is not where it says. The old view goes on.</summary>
[GenerateSerializer, Alias("moe.error.placement")]
public sealed class PlacementRefusedException(string message) : MoEException(message);

/// <summary>A change of placement that was abandoned. The view goes on with the placement it had, and nothing is lost.</summary>
[GenerateSerializer, Alias("moe.error.move")]
public sealed class PlacementChangeFailedException(string message) : MoEException(message);

/// <summary>A checkpoint that could not be written or read. The model is as it was; so is the checkpoint that was there before.</summary>
[GenerateSerializer, Alias("moe.error.checkpoint")]
public sealed class CheckpointFailedException(string message) : MoEException(message);

/// <summary>
/// A forward, backward or update of a layer that its workers refused: what it builds on is gone, or they cannot reach the caller's memory.
/// Parameters are as before; gradients of the step are lost, and it begins again with its first forward.
/// </summary>
[GenerateSerializer, Alias("moe.error.pass")]
public sealed class PassRefusedException(string message) : MoEException(message);

/// <summary>A text that cannot go on: the model's logits are not finite, and nothing can be drawn from them.</summary>
[GenerateSerializer, Alias("moe.error.nonfinite-output")]
public sealed class NonFiniteOutputException(string message) : MoEException(message);

/// <summary>A ticket that the coordinator does not know: it has started anew since. Asking for the work again is safe.</summary>
[GenerateSerializer, Alias("moe.error.ticket")]
public sealed class TicketLostException(string message) : MoEException(message);

/// <summary>
/// A step whose number another batch has: that of a call that was cancelled, or of another client. The batch was not learnt. Refresh the model
/// to learn how far it is, then decide whether to submit the batch again.
/// </summary>
[GenerateSerializer, Alias("moe.error.taken")]
public sealed class StepTakenException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The step.</param>
    public StepTakenException(string model, long step)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"Step {step} of model '{model}' has been submitted with another batch, by a call that was cancelled or by another client. This batch was not learnt; refresh the model (MoEModel.RefreshAsync), then submit it as a later step."))
    {
        Step = step;
    }

    /// <summary>The step.</summary>
    [Id(0)] public long Step { get; private set; }
}
