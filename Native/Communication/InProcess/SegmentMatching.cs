namespace MoEActors.Native.Communication.InProcess;

/// <summary>Pairs what one rank sends with what another receives: the i-th with the i-th.</summary>
internal static class SegmentMatching
{
    /// <summary>Takes the next segment that goes to <paramref name="receiver"/>, from <paramref name="cursor"/> on.</summary>
    public static bool MoveNext(ReadOnlySpan<Segment> sends, int receiver, ref int cursor, out Segment segment)
    {
        while (cursor < sends.Length)
        {
            segment = sends[cursor++];
            if (segment.Peer == receiver)
            {
                return true;
            }
        }

        segment = default;
        return false;
    }

    /// <summary>Says how a sender and a receiver disagree.</summary>
    public static string Disagreement(ReadOnlySpan<Segment> sends, int sender, ReadOnlySpan<Segment> receives, int receiver)
    {
        int sent = 0;
        int expected = 0;
        for (int index = 0; ; index++)
        {
            bool isSent = MoveNext(sends, receiver, ref sent, out Segment given);
            bool isExpected = MoveNext(receives, sender, ref expected, out Segment wanted);
            if (isSent && isExpected && given.Count == wanted.Count)
            {
                continue;
            }

            return isSent && isExpected
                ? $"segment {index} from rank {sender} to rank {receiver}: {given.Count} elements are sent and {wanted.Count} expected."
                : $"rank {sender} sends {Count(sends, receiver)} segments to rank {receiver}, which expects {Count(receives, sender)}.";
        }
    }

    private static int Count(ReadOnlySpan<Segment> segments, int peer)
    {
        int count = 0;
        foreach (Segment segment in segments)
        {
            count += segment.Peer == peer ? 1 : 0;
        }

        return count;
    }
}
