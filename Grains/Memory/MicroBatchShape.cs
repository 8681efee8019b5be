using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Memory;

/// <summary>The size of a micro-batch, which the memory of a step follows from.</summary>
/// <param name="Sequences">Number of sequences.</param>
/// <param name="Length">Tokens of a sequence.</param>
public readonly record struct MicroBatchShape(int Sequences, int Length)
{
    /// <summary>Tokens of the micro-batch.</summary>
    public int Tokens => checked(Sequences * Length);

    /// <summary>The shape of a micro-batch.</summary>
    public static MicroBatchShape Of(MicroBatch batch) => new(batch.Inputs.Length / batch.SequenceLength, batch.SequenceLength);

    /// <summary>The shape of a micro-batch on its way.</summary>
    internal static MicroBatchShape Of(MicroBatchMessage batch) => new(batch.Inputs.Length / batch.SequenceLength, batch.SequenceLength);

    /// <summary>Whether it needs no more than another.</summary>
    public bool FitsInto(MicroBatchShape other) => Sequences <= other.Sequences && Length <= other.Length;

    /// <inheritdoc />
    public override string ToString() => $"{Sequences}×{Length} tokens";
}
