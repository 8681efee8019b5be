using MoEActors.Native.Operations;

namespace MoEActors.Client.Data;

/// <summary>
/// Random windows of a text, uniform over all places where one fits; documents that are too short for one are joined. A window follows from (seed, step, index) alone, so a
/// step can be asked for again in any order, on any machine.
/// </summary>
public sealed class TrainingWindows
{
    private readonly IReadOnlyList<TextDocument> _documents;
    private readonly long _seed;

    /// <summary>For each document, the number of places in it and all before it.</summary>
    private readonly long[] _places;

    internal TrainingWindows(IReadOnlyList<TextDocument> documents, long seed, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        _documents = ShortDocuments.Joined(documents, length);
        _seed = seed;
        Length = length;
        _places = new long[_documents.Count];
        long places = 0;
        for (int i = 0; i < _documents.Count; i++)
        {
            places += Math.Max(0, _documents[i].Bytes.Length - length);
            _places[i] = places;
        }

        if (places == 0)
        {
            throw new TextSourceException(
                "The text is too short",
                FormattableString.Invariant($"{documents.Sum(document => (long)document.Bytes.Length):N0} bytes to learn from hold no window of {length + 1} bytes"),
                "Give more text, or a shorter sequence.");
        }
    }

    /// <summary>Number of inputs in a window; it has one byte more.</summary>
    public int Length { get; }

    /// <summary>The window of a step's sequence.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="index">The sequence in the step's global batch, from 0.</param>
    public ReadOnlyMemory<byte> this[long step, int index]
    {
        get
        {
            // 128-bit product: the high half is uniform below the number of places, with a bias of 2^-40 at most.
            ulong draw = CounterRandom.Mix(CounterRandom.Mix(CounterRandom.Mix((ulong)_seed) ^ (ulong)step) ^ (ulong)index);
            long place = (long)Math.BigMul(draw, (ulong)_places[^1], out _);
            int document = Array.BinarySearch(_places, place + 1);
            document = document < 0 ? ~document : FirstOf(document);
            long before = document == 0 ? 0 : _places[document - 1];
            return _documents[document].Bytes.Slice((int)(place - before), Length + 1);
        }
    }

    /// <summary>Documents too short for a window repeat their predecessor's sum; the place lies in the first that has it.</summary>
    private int FirstOf(int document)
    {
        while (document > 0 && _places[document - 1] == _places[document])
        {
            document--;
        }

        return document;
    }
}
