using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

/// <summary>A random all-to-all: any number of segments per pair, empty ones included, anywhere in the buffers, in any order.</summary>
internal sealed class SegmentLayout
{
    public SegmentLayout(int size, int seed)
    {
        Random random = new(seed);
        List<(int From, int To, int Count)> traffic = [];
        for (int from = 0; from < size; from++)
        {
            for (int to = 0; to < size; to++)
            {
                traffic.AddRange(Enumerable.Range(0, random.Next(4)).Select(_ => (from, to, random.Next(20))));
            }
        }

        (Sends, SendLengths) = Lay(size, random, traffic, t => t.From, t => t.To);
        (Receives, ReceiveLengths) = Lay(size, random, traffic, t => t.To, t => t.From);
    }

    public Segment[][] Sends { get; }

    public int[] SendLengths { get; }

    public Segment[][] Receives { get; }

    public int[] ReceiveLengths { get; }

    /// <summary>What a rank must have received, by the definition and element by element; <paramref name="untouched"/> elsewhere.</summary>
    public T[] Expected<T>(int rank, Func<int, int, T> sent, T untouched)
    {
        T[] expected = [.. Enumerable.Repeat(untouched, ReceiveLengths[rank])];
        for (int peer = 0; peer < Sends.Length; peer++)
        {
            Segment[] given = [.. Sends[peer].Where(s => s.Peer == rank)];
            Segment[] taken = [.. Receives[rank].Where(s => s.Peer == peer)];
            for (int i = 0; i < taken.Length; i++)
            {
                for (int j = 0; j < taken[i].Count; j++)
                {
                    expected[taken[i].Offset + j] = sent(peer, given[i].Offset + j);
                }
            }
        }

        return expected;
    }

    private static (Segment[][] Segments, int[] Lengths) Lay(
        int size, Random random, List<(int From, int To, int Count)> traffic, Func<(int From, int To, int Count), int> owner,
        Func<(int From, int To, int Count), int> peer)
    {
        var segments = new Segment[size][];
        int[] lengths = new int[size];
        for (int rank = 0; rank < size; rank++)
        {
            // The order within a pair is the meaning; the order of pairs and the places are free.
            List<Queue<(int From, int To, int Count)>> pairs =
                [.. traffic.Where(t => owner(t) == rank).GroupBy(peer).Select(g => new Queue<(int From, int To, int Count)>(g))];
            List<Segment> ordered = [];
            while (pairs.Count > 0)
            {
                Queue<(int From, int To, int Count)> pair = pairs[random.Next(pairs.Count)];
                (int From, int To, int Count) next = pair.Dequeue();
                ordered.Add(new Segment(peer(next), 0, next.Count));
                pairs.RemoveAll(p => p.Count == 0);
            }

            int[] places = [.. Enumerable.Range(0, ordered.Count)];
            random.Shuffle(places);
            foreach (int place in places)
            {
                lengths[rank] += random.Next(3);
                ordered[place] = ordered[place] with { Offset = lengths[rank] };
                lengths[rank] += ordered[place].Count;
            }

            segments[rank] = [.. ordered];
        }

        return (segments, lengths);
    }
}
