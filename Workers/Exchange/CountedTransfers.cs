using System.Runtime.CompilerServices;

namespace MoEActors.Workers.Exchange;

/// <summary>All-to-alls of one layer, whatever the elements, and what they bring to other workers.</summary>
/// <param name="communicator">The view's communicator.</param>
internal sealed class CountedTransfers(ICommunicator communicator)
{
    private readonly bool[] _reached = new bool[communicator.Size];
    private SentTraffic _sent;

    /// <summary>What went to other workers since the last call.</summary>
    public SentTraffic TakeSent()
    {
        SentTraffic sent = _sent;
        _sent = default;
        return sent;
    }

    /// <summary>Sends and receives segments of two matrices of one type of element.</summary>
    public void AllToAll(in Matrix from, ReadOnlySpan<Segment> sent, in Matrix to, ReadOnlySpan<Segment> received)
    {
        if (from.Element == ElementType.F32)
        {
            AllToAll(from.Data, sent, to.Data, received);
        }
        else
        {
            AllToAll(from.RoundedData, sent, to.RoundedData, received);
        }
    }

    /// <summary>Sends and receives segments.</summary>
    public void AllToAll<T>(DeviceSpan<T> from, ReadOnlySpan<Segment> sent, DeviceSpan<T> to, ReadOnlySpan<Segment> received)
        where T : unmanaged
    {
        Count(sent, Unsafe.SizeOf<T>());
        communicator.AllToAll(from, sent, to, received);
    }

    private void Count(ReadOnlySpan<Segment> sent, int elementBytes)
    {
        Array.Clear(_reached);
        long bytes = 0, messages = 0;
        foreach (Segment segment in sent)
        {
            if (segment.Peer == communicator.Rank || segment.Count == 0)
            {
                continue;
            }

            bytes += (long)segment.Count * elementBytes;
            messages += _reached[segment.Peer] ? 0 : 1;
            _reached[segment.Peer] = true;
        }

        _sent += new SentTraffic(bytes, messages);
    }
}

/// <summary>What a worker has sent to others.</summary>
/// <param name="Bytes">Bytes of elements.</param>
/// <param name="Messages">All that one exchange brings to one worker is a message, if it is anything.</param>
public readonly record struct SentTraffic(long Bytes, long Messages)
{
    /// <summary>Both together.</summary>
    public static SentTraffic operator +(SentTraffic left, SentTraffic right) => new(left.Bytes + right.Bytes, left.Messages + right.Messages);
}
