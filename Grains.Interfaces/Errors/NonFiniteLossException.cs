using System.Globalization;

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A step whose loss or gradient is not a finite number. It was refused: parameters and moments are as before.</summary>
[GenerateSerializer]
[Alias("moe.error.nonfinite")]
public sealed class NonFiniteLossException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="step">The step that was refused.</param>
    /// <param name="microBatch">Its first micro-batch with such a loss; −1 when only the gradient is not finite.</param>
    /// <param name="value">The value found.</param>
    public NonFiniteLossException(long step, int microBatch, double value)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"Step {step} was refused: the {(microBatch < 0 ? "gradient norm" : $"loss of micro-batch {microBatch}")} is {value}. Nothing was changed; leave the batch out, or lower the learning rate."))
    {
        Step = step;
        MicroBatch = microBatch;
    }

    /// <summary>The step that was refused.</summary>
    [Id(0)]
    public long Step { get; private set; }

    /// <summary>The first micro-batch with such a loss; −1 when only the gradient is not finite.</summary>
    [Id(1)]
    public int MicroBatch { get; private set; }
}
