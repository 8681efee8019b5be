using MoEActors.Native.Operations;

namespace MoEActors.Modules.Models;

/// <summary>
/// Some sequences of equal length: the atom of a step. Capacity, drops, auxiliary losses and the order of gradients are defined per
/// micro-batch, so its place in the step is part of the result and its worker is not.
/// </summary>
/// <param name="Inputs">
/// [sequences × length] token ids; −1 is padding, which may stand anywhere: not seen, not routed, not counted. A sequence has the same result with
/// padding and without.
/// </param>
/// <param name="Targets">[sequences × length] ids to predict; −1 is masked out of the loss, and must stand where there is padding.</param>
/// <param name="SequenceLength">Length of a sequence.</param>
public sealed record MicroBatch(int[] Inputs, int[] Targets, int SequenceLength)
{
    /// <summary>[sequences × length] token ids; −1 is padding.</summary>
    public int[] Inputs { get; init => field = value ?? throw new ArgumentNullException(nameof(Inputs)); } =
        Inputs ?? throw new ArgumentNullException(nameof(Inputs));

    /// <summary>[sequences × length] ids to predict; −1 is masked out of the loss.</summary>
    public int[] Targets { get; init => field = value ?? throw new ArgumentNullException(nameof(Targets)); } =
        Targets ?? throw new ArgumentNullException(nameof(Targets));

    /// <summary>
    /// [sequences × length]: which document a token is of, by any number, where several are packed into a sequence; null where each sequence is one document. A token sees those of its own document
    /// alone. A document ends where the next token of the sequence has another number. Positions need not begin anew with a document, since rotary attention knows distances alone.
    /// What stands at padding does not matter.
    /// </summary>
    public int[]? Documents { get; init; }

    /// <summary>Tokens: what is not padding.</summary>
    public int TokenCount => CountOf(Inputs);

    /// <summary>Tokens whose prediction counts.</summary>
    public int TargetCount => CountOf(Targets);

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

        if (Documents is { } documents && documents.Length != Inputs.Length)
        {
            throw new ArgumentException($"{documents.Length} numbers of documents do not go with {Inputs.Length} inputs.");
        }

        for (int i = 0; i < Inputs.Length; i++)
        {
            if (Inputs[i] < -1 || Inputs[i] >= model.Vocabulary || Targets[i] < -1 || Targets[i] >= model.Vocabulary)
            {
                throw new ArgumentException(
                    $"{Place(i)} (input {Inputs[i]}, target {Targets[i]}) is outside the vocabulary of {model.Vocabulary}.");
            }

            if (Inputs[i] < 0 && Targets[i] >= 0)
            {
                throw TargetOnPadding(i);
            }
        }
    }

    /// <summary>The error of a target where there is nothing to predict it from.</summary>
    /// <param name="token">Index of both.</param>
    internal ArgumentException TargetOnPadding(int token) => new(
        $"{Place(token)} is padding (input -1) with a target, {Targets[token]}: nothing is predicted from padding; mask the target by -1.");

    /// <summary>Ids that are none of padding and masks. Allocates nothing: workers ask in every step.</summary>
    private static int CountOf(ReadOnlySpan<int> ids)
    {
        int count = 0;
        foreach (int id in ids)
        {
            count += id >= 0 ? 1 : 0;
        }

        return count;
    }

    private string Place(int token) => $"Sequence {token / SequenceLength}, position {token % SequenceLength}";
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
