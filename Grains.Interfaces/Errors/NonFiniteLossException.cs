using System.Globalization;

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A step whose loss or gradient is not a finite number. It was refused: parameters and moments are as before.</summary>
[GenerateSerializer, Alias("moe.error.nonfinite")]
public sealed class NonFiniteLossException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="step">The step that was refused.</param>
    /// <param name="cause">What was found, as a sentence, and what to do.</param>
    public NonFiniteLossException(long step, string cause)
        : base(string.Create(CultureInfo.InvariantCulture, $"Step {step} was refused: {cause}")) => Step = step;

    /// <summary>The step that was refused.</summary>
    [Id(0)] public long Step { get; private set; }

    /// <summary>The first micro-batch whose loss, or else whose gradient, is not finite; null when it cannot be told.</summary>
    [Id(1)] public int? MicroBatch { get; init; }

    /// <summary>
    /// The layer whose parameters or gradient are not finite, or whose gate is the first that such values reach; null when it is none or cannot be
    /// told.
    /// </summary>
    [Id(2)] public int? Layer { get; init; }

    /// <summary>The expert whose parameters or gradient are not finite; null when it is none.</summary>
    [Id(3)] public int? Expert { get; init; }

    /// <summary>Full name of the tensor whose values or gradient are not finite; null when it cannot be told.</summary>
    [Id(4)] public string? Tensor { get; init; }
}
