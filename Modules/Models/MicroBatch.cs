using MoEActors.Native.Operations;

namespace MoEActors.Modules.Models;

/// <summary>
/// Some sequences of equal length: the atom of a step. Capacity, drops, auxiliary losses and the order of gradients are defined per
/// micro-batch, so its place in the step is part of the result and its worker is not.
/// </summary>
/// <param name="Inputs">[sequences × length] token ids; −1 is padding: not routed, not counted.</param>
/// <param name="Targets">[sequences × length] ids to predict; −1 is masked out of the loss.</param>
/// <param name="SequenceLength">Length of a sequence.</param>
public sealed record MicroBatch(int[] Inputs, int[] Targets, int SequenceLength)
{
    /// <summary>Tokens whose prediction counts.</summary>
    public int TargetCount => Targets.Count(target => target >= 0);

    /// <summary>Throws unless the micro-batch fits the model.</summary>
    /// <exception cref="ArgumentException">Naming what does not fit.</exception>
    public void Validate(ModelConfiguration model)
    {
        if (SequenceLength < 1 || SequenceLength > model.MaximumSequence)
        {
            throw new ArgumentException($"A sequence of {SequenceLength} tokens does not fit the model's maximum of {model.MaximumSequence}.");
        }

        if (Inputs.Length % SequenceLength != 0 || Targets.Length != Inputs.Length)
        {
            throw new ArgumentException(
                $"{Inputs.Length} inputs and {Targets.Length} targets are not whole sequences of {SequenceLength} tokens.");
        }

        for (int i = 0; i < Inputs.Length; i++)
        {
            if (Inputs[i] < -1 || Inputs[i] >= model.Vocabulary || Targets[i] < -1 || Targets[i] >= model.Vocabulary)
            {
                throw new ArgumentException(
                    $"Token {i} (input {Inputs[i]}, target {Targets[i]}) is outside the vocabulary of {model.Vocabulary}.");
            }
        }
    }
}

/// <summary>The place of a micro-batch in a run, which with the seed determines its random numbers, wherever it is computed.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Index">The micro-batch of the step, from 0.</param>
public readonly record struct MicroBatchPlace(long Step, int Index)
{
    /// <summary>The key of its random numbers.</summary>
    /// <param name="seed">The model's seed.</param>
    public ulong RandomKey(ulong seed) => CounterRandom.Derive(CounterRandom.Derive(seed, (ulong)Step), (ulong)Index);
}

/// <summary>The losses of one micro-batch.</summary>
/// <param name="CrossEntropySum">Σ of the tokens' cross-entropy, nats.</param>
/// <param name="Auxiliary">Σ over layers of the weighted balance and z-losses.</param>
public readonly record struct MicroBatchLoss(double CrossEntropySum, double Auxiliary);
