namespace MoEActors.Client.Data;

/// <summary>Makes use of documents that are too short for a window by themselves: verses, messages, single functions.</summary>
internal static class ShortDocuments
{
    /// <summary>Bytes of one joined text, before the document that ends it.</summary>
    private const int JoinedBytes = 1 << 20;

    /// <summary>
    /// The documents that hold a window of <paramref name="length"/> inputs, and behind them the others, one after the other in their order, each on a line of its
    /// own; as one text, or as several when they are many.
    /// </summary>
    public static IReadOnlyList<TextDocument> Joined(IReadOnlyList<TextDocument> documents, int length)
    {
        TextDocument[] few = [.. documents.Where(document => document.Bytes.Length <= length && document.Bytes.Length > 0)];
        if (few.Length < 2)
        {
            return documents;
        }

        List<TextDocument> joined = [.. documents.Where(document => document.Bytes.Length > length)];
        List<byte> text = [];
        string? name = null;
        foreach (TextDocument document in few)
        {
            name ??= document.Name;
            text.AddRange(document.Bytes.Span);
            if (text[^1] != '\n')
            {
                text.Add((byte)'\n');
            }

            if (text.Count >= JoinedBytes)
            {
                joined.Add(new TextDocument(name, text.ToArray()));
                text.Clear();
                name = null;
            }
        }

        return name is null ? joined : [.. joined, new TextDocument(name, text.ToArray())];
    }
}
