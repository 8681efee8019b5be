using System.Globalization;

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>
/// A step whose number another batch has: that of a call that was cancelled, or of another client. The batch was not learnt. Refresh the model
/// to learn how far it is, then decide whether to submit the batch again.
/// </summary>
[GenerateSerializer]
[Alias("moe.error.taken")]
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
    [Id(0)]
    public long Step { get; private set; }
}
