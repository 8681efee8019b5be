namespace MoEActors.Workers.Exchange;

/// <summary>All-to-alls of one layer, whatever the elements, and how many bytes they bring to other workers.</summary>
/// <param name="communicator">The view's communicator.</param>
internal sealed class CountedTransfers(ICommunicator communicator)
{
    private long _sentBytes;

    /// <summary>Bytes that went to other workers since the last call.</summary>
    public long TakeSentBytes()
    {
        long bytes = _sentBytes;
        _sentBytes = 0;
        return bytes;
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
            Count(sent, from.Element.Bytes());
            communicator.AllToAll(from.RoundedData, sent, to.RoundedData, received);
        }
    }

    /// <summary>Sends and receives segments.</summary>
    public void AllToAll(DeviceSpan<float> from, ReadOnlySpan<Segment> sent, DeviceSpan<float> to, ReadOnlySpan<Segment> received)
    {
        Count(sent, sizeof(float));
        communicator.AllToAll(from, sent, to, received);
    }

    private void Count(ReadOnlySpan<Segment> sent, int elementBytes)
    {
        foreach (Segment segment in sent)
        {
            _sentBytes += segment.Peer == communicator.Rank ? 0 : (long)segment.Count * elementBytes;
        }
    }
}
