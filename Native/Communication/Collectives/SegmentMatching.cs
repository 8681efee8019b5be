namespace MoEActors.Native.Communication.Collectives;

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
                ? OtherCount(index, sender, given.Count, receiver, wanted.Count)
                : OtherNumber(sender, Count(sends, receiver), receiver, Count(receives, sender));
        }
    }

    /// <summary>Says that a segment has another count than expected.</summary>
    public static string OtherCount(int index, int sender, int sent, int receiver, int expected) =>
        $"segment {index} from rank {sender} to rank {receiver}: {sent} elements are sent and {expected} expected.";

    /// <summary>Says that there are more segments than expected, or less.</summary>
    public static string OtherNumber(int sender, int sent, int receiver, int expected) =>
        $"rank {sender} sends {sent} segments to rank {receiver}, which expects {expected}.";

    /// <summary>What is wrong with more segments to a rank than frames may announce; null when there are not so many.</summary>
    public static string? TooMany(ReadOnlySpan<Segment> segments, int size, int most)
    {
        for (int peer = 0; peer < size && segments.Length > most; peer++)
        {
            if (Count(segments, peer) is int count && count > most)
            {
                return $"has {count} segments for rank {peer}, more than {most}";
            }
        }

        return null;
    }

    /// <summary>What is wrong with a segment that leaves its buffer, or goes to nobody; null when none does.</summary>
    public static string? Outside(ReadOnlySpan<Segment> segments, int length, int size, string direction)
    {
        foreach (Segment segment in segments)
        {
            if ((uint)segment.Peer >= (uint)size || (segment.Offset | segment.Count) < 0 || segment.Offset > length - segment.Count)
            {
                return $"has a {direction} segment of {segment.Count} elements at {segment.Offset} for rank {segment.Peer}, outside its "
                    + $"buffer of {length} elements or the {size} ranks";
            }
        }

        return null;
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
