using MoEActors.Native.Operations;

namespace MoEActors.Client.Data.Packing;

/// <summary>
/// What a run learns from documents: each source is gone through once, in an order drawn for that time, before anything in it comes again, and sources alternate so that after any number of sequences each has
/// had its share to within one a source. What a step reads follows from the seed and the step alone, so a run that was stopped goes on with what it would have read.
/// One object is for one thread at a time.
/// </summary>
public sealed class PackedBatches
{
    private readonly (PackedSequences Sequences, double Weight)[] _sources;
    private readonly ulong _seed;
    private readonly (long Epoch, int[] Order)[] _orders;

    internal PackedBatches(IReadOnlyList<DocumentSource> sources, long seed, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        _sources = [.. sources.Select(source => (new PackedSequences(source.Documents, length), source.Weight))];
        foreach ((int index, (PackedSequences sequences, _)) in _sources.Index())
        {
            if (sequences.Count == 0)
            {
                throw new TextSourceException(
                    "The text is too short",
                    $"{(_sources.Length == 1 ? "it" : $"source {index + 1} of {_sources.Length}")} holds nothing to learn from beside what is kept for validation",
                    "Give more text.");
            }
        }

        _orders = [.. _sources.Select(_ => (-1L, Array.Empty<int>()))];
        _seed = (ulong)seed;
        Length = length;
    }

    /// <summary>Inputs of a sequence.</summary>
    public int Length { get; }

    /// <summary>By source: its sequences, after which it comes again.</summary>
    public IReadOnlyList<int> Sequences => [.. _sources.Select(source => source.Sequences.Count)];

    /// <summary>The micro-batches of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="sequences">Sequences of all micro-batches together; divided as evenly as they can be, the first ones getting more. The same in every step of a run.</param>
    /// <exception cref="InvalidRequestException">A micro-batch would have more tokens than an array has elements, or the step more than there is memory for.</exception>
    public IReadOnlyList<MicroBatch> OfStep(long step, int microBatches, int sequences)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        ByteBatches.RequireRoom(sequences, Length, microBatches);
        long number = checked((step - 1) * sequences);
        var batches = new MicroBatch[microBatches];
        for (int m = 0; m < microBatches; m++)
        {
            batches[m] = Of([.. Enumerable.Range(0, ByteBatches.CountOf(m, microBatches, sequences)).Select(_ => Sequence(number++))], Length);
        }

        return batches;
    }

    /// <summary>A micro-batch of sequences.</summary>
    internal static MicroBatch Of(IReadOnlyList<(PackedSequences Source, int Index)> chosen, int length)
    {
        int[] inputs = new int[chosen.Count * length], targets = new int[inputs.Length], documents = new int[inputs.Length];
        foreach ((int s, (PackedSequences source, int index)) in chosen.Index())
        {
            source.Write(index, inputs.AsSpan(s * length, length), targets.AsSpan(s * length, length), documents.AsSpan(s * length, length));
        }

        return new MicroBatch(inputs, targets, length) { Documents = documents };
    }

    /// <summary>The sequence of a number in the run, from 0.</summary>
    private (PackedSequences Source, int Index) Sequence(long number)
    {
        (int source, long own) = SourceOf(number);
        PackedSequences sequences = _sources[source].Sequences;
        (long epoch, long place) = Math.DivRem(own, sequences.Count);
        if (_orders[source].Epoch != epoch)
        {
            _orders[source] = (epoch, Shuffled(sequences.Count, CounterRandom.Derive(CounterRandom.Derive(_seed, (ulong)source), (ulong)epoch)));
        }

        return (sequences, _orders[source].Order[place]);
    }

    /// <summary>
    /// Which source a number falls to, and how many it has had before: the first takes its share of all, spread evenly, the second its share of what the first leaves, and so on.
    /// </summary>
    private (int Source, long Own) SourceOf(long number)
    {
        double left = _sources.Sum(source => source.Weight);
        for (int source = 0; source < _sources.Length - 1; source++)
        {
            double share = _sources[source].Weight / left;
            long before = (long)(number * share);
            if ((long)((number + 1) * share) > before)
            {
                return (source, before);
            }

            number -= before;
            left -= _sources[source].Weight;
        }

        return (_sources.Length - 1, number);
    }

    /// <summary>The numbers below a count in a random order (Fisher and Yates).</summary>
    private static int[] Shuffled(int count, ulong key)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int other = (int)Math.BigMul(CounterRandom.Next(key, (ulong)i), (ulong)i + 1, out _);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }
}
