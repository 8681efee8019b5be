namespace MoEActors.Client.Data.Packing;

/// <summary>
/// Documents in sequences of one length, with as little room left over as goes: documents that are too long are cut, and each piece, the longest first, goes where the least room is left (best-fit packing, Ding et al.,
/// arXiv 2404.10830, §3.2). A piece has the token before its first target, so that no token behind the first of a document is lost as a target.
/// </summary>
internal sealed class PackedSequences
{
    private readonly IReadOnlyList<TokenDocument> _documents;
    private readonly List<List<Piece>> _sequences = [];

    /// <summary>Packs documents.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="length">Inputs of a sequence.</param>
    public PackedSequences(IReadOnlyList<TokenDocument> documents, int length)
    {
        _documents = documents;
        Piece[] pieces = [.. documents.SelectMany((document, index) => Cut(document, index, length)).OrderByDescending(piece => piece.Length)];

        // By room that is left: the sequences that have it, the eldest first.
        Dictionary<int, Queue<List<Piece>>> open = [];
        SortedSet<int> rooms = [];
        foreach (Piece piece in pieces)
        {
            int room = rooms.GetViewBetween(piece.Length, length).Min;
            List<Piece> sequence;
            if (room == 0)
            {
                (room, sequence) = (length, []);
                _sequences.Add(sequence);
            }
            else
            {
                sequence = open[room].Dequeue();
                if (open[room].Count == 0)
                {
                    rooms.Remove(room);
                }
            }

            sequence.Add(piece);
            int left = room - piece.Length;
            if (left > 0)
            {
                if (rooms.Add(left))
                {
                    open.TryAdd(left, new Queue<List<Piece>>());
                }

                open[left].Enqueue(sequence);
            }
        }
    }

    /// <summary>Number of sequences.</summary>
    public int Count => _sequences.Count;

    /// <summary>Writes a sequence; what is left of the room becomes padding.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="inputs">Receives the inputs.</param>
    /// <param name="targets">Receives the targets; −1 where nothing is learnt.</param>
    /// <param name="documents">Receives which of its documents each token is of.</param>
    public void Write(int index, Span<int> inputs, Span<int> targets, Span<int> documents)
    {
        inputs.Fill(-1);
        targets.Fill(-1);
        int at = 0;
        foreach ((int number, Piece piece) in _sequences[index].Index())
        {
            TokenDocument document = _documents[piece.Document];
            document.Tokens.Span.Slice(piece.Start, piece.Length).CopyTo(inputs[at..]);
            for (int i = 0; i < piece.Length; i++)
            {
                targets[at + i] = document.TargetAt(piece.Start + i + 1);
            }

            documents.Slice(at, piece.Length).Fill(number);
            at += piece.Length;
        }
    }

    /// <summary>The pieces of a document that have something to learn.</summary>
    private static IEnumerable<Piece> Cut(TokenDocument document, int index, int length)
    {
        for (int start = 0; start + 1 < document.Tokens.Length; start += length)
        {
            int inputs = Math.Min(length, document.Tokens.Length - 1 - start);
            if (Enumerable.Range(start + 1, inputs).Any(token => document.TargetAt(token) >= 0))
            {
                yield return new Piece(index, start, inputs);
            }
        }
    }

    /// <summary>A part of a document.</summary>
    /// <param name="Document">Which document.</param>
    /// <param name="Start">Its first input.</param>
    /// <param name="Length">Its inputs; it has a token more.</param>
    private readonly record struct Piece(int Document, int Start, int Length);
}
