using System.Runtime.CompilerServices;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// One rank of a communicator whose ranks may be anywhere: every pair has a data connection, which the executors use within operations, and a control
/// connection, which the I/O threads use all the time. Host memory only; nothing is allocated once warm.
/// </summary>
internal sealed class TcpCommunicator(PeerConnections connections) : ICommunicator
{
    private readonly CollectiveExchange _exchange = new(connections);
    private readonly OrderedReduction _reduction = connections.Keep(new OrderedReduction(connections.Spec.Rank, connections.Size));

    public int Rank { get; } = connections.Spec.Rank;

    public int Size => connections.Size;

    /// <summary>Whether this rank has its connections to all others.</summary>
    public bool IsConnected => connections.IsConnected;

    /// <summary>Why it has failed; null while it lives.</summary>
    public Failure? Failure => connections.Failure;

    /// <summary>Ends it on every rank. The first failure wins and is returned. From any thread.</summary>
    public Failure Fail(Failure failure) => connections.Fail(failure);

    /// <summary>Has what depends on it told of its failure, on the thread that learns of it, whoever notices; at once if it has failed already.</summary>
    public void WhenFailed(Action<Failure> told) => connections.WhenFailed(told);

    public void AllToAll<T>(
        DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    {
        Enter(CollectiveOperation.AllToAll);
        try
        {
            Require(SegmentMatching.Outside(sendSegments, send.Length, Size, "send"));
            Require(SegmentMatching.Outside(receiveSegments, receive.Length, Size, "receive"));
            Require(SegmentMatching.TooMany(sendSegments, Size, FrameHeader.MostSegments));
            RequireOwnSegmentsToMatch(sendSegments, receiveSegments);
            _exchange.Begin();
            foreach (Segment segment in sendSegments)
            {
                if (segment.Peer != Rank)
                {
                    FrameSender sender = _exchange[segment.Peer].Sender;
                    sender.Announce(segment.Count);
                    sender.Add(AddressOf(send, segment.Offset), BytesOf<T>(segment.Count));
                }
            }

            foreach (Segment segment in receiveSegments)
            {
                if (segment.Peer != Rank)
                {
                    FrameReceiver receiver = _exchange[segment.Peer].Receiver;
                    receiver.Expect(segment.Count);
                    receiver.Add(AddressOf(receive, segment.Offset), BytesOf<T>(segment.Count));
                }
            }

            _exchange.Start(new OperationDescription(CollectiveOperation.AllToAll, CarriedType.Of<T>(), 0));
            CopyOwnSegments(send, sendSegments, receive, receiveSegments);
            _exchange.Finish();
        }
        finally
        {
            connections.Exit();
        }
    }

    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        Enter(CollectiveOperation.AllGather);
        try
        {
            Require(CollectiveArguments.OfGather(mine.Length, all.Length, Size));
            _exchange.Begin();
            for (int peer = 0; peer < Size; peer++)
            {
                if (peer != Rank)
                {
                    _exchange[peer].Sender.Add(mine.Address, BytesOf<T>(mine.Length));
                    _exchange[peer].Receiver.Add(AddressOf(all, peer * mine.Length), BytesOf<T>(mine.Length));
                }
            }

            _exchange.Start(new OperationDescription(CollectiveOperation.AllGather, CarriedType.Of<T>(), mine.Length));
            Copy(mine, all.Slice(Rank * mine.Length, mine.Length));
            _exchange.Finish();
        }
        finally
        {
            connections.Exit();
        }
    }

    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum)
    {
        Enter(CollectiveOperation.ReduceScatterInRankOrder);
        try
        {
            Require(CollectiveArguments.OfSum(contributes, part.Length, sum.Length));
            _exchange.Begin();
            for (int peer = 0; peer < Size && contributes; peer++)
            {
                if (peer != Rank)
                {
                    DeviceSpan<float> theirs = part.OwnedBy(peer, Size);
                    _exchange[peer].Sender.Add(theirs.Address, BytesOf<float>(theirs.Length));
                }
            }

            _reduction.Begin(_exchange, contributes ? part.OwnedBy(Rank, Size) : DeviceSpan<float>.Empty, sum.OwnedBy(Rank, Size));
            _exchange.Start(new OperationDescription(
                CollectiveOperation.ReduceScatterInRankOrder, CarriedType.Of<float>(), sum.Length, Contributes: contributes));
            _exchange.Finish(_reduction);
        }
        finally
        {
            connections.Exit();
        }
    }

    public void AllGatherOwned(DeviceSpan<float> sum)
    {
        Enter(CollectiveOperation.AllGatherOwned);
        try
        {
            _exchange.Begin();
            DeviceSpan<float> mine = sum.OwnedBy(Rank, Size);
            for (int peer = 0; peer < Size; peer++)
            {
                if (peer != Rank)
                {
                    DeviceSpan<float> theirs = sum.OwnedBy(peer, Size);
                    _exchange[peer].Sender.Add(mine.Address, BytesOf<float>(mine.Length));
                    _exchange[peer].Receiver.Add(theirs.Address, BytesOf<float>(theirs.Length));
                }
            }

            _exchange.Start(new OperationDescription(CollectiveOperation.AllGatherOwned, CarriedType.Of<float>(), sum.Length));
            _exchange.Finish();
        }
        finally
        {
            connections.Exit();
        }
    }

    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    {
        Enter(CollectiveOperation.Broadcast);
        try
        {
            Require(CollectiveArguments.OfRoot(root, Size));
            _exchange.Begin();
            for (int peer = 0; peer < Size && root == Rank; peer++)
            {
                if (peer != Rank)
                {
                    _exchange[peer].Sender.Add(span.Address, BytesOf<T>(span.Length));
                }
            }

            if (root != Rank)
            {
                _exchange[root].Receiver.Add(span.Address, BytesOf<T>(span.Length));
            }

            _exchange.Start(new OperationDescription(CollectiveOperation.Broadcast, CarriedType.Of<T>(), span.Length, root));
            _exchange.Finish();
        }
        finally
        {
            connections.Exit();
        }
    }

    public void Abort(Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        connections.Fail(Failure.Aborted(Rank, cause));
    }

    public void Dispose() => connections.Dispose();

    private static nint AddressOf<T>(DeviceSpan<T> span, int offset)
        where T : unmanaged => span.Address + (nint)offset * Unsafe.SizeOf<T>();

    private static long BytesOf<T>(int count)
        where T : unmanaged => (long)count * Unsafe.SizeOf<T>();

    private static void Copy<T>(DeviceSpan<T> source, DeviceSpan<T> target)
        where T : unmanaged
    {
        // When gathering or sending to itself in place, source and target are the same memory.
        if (source.Address != target.Address)
        {
            source.AsSpan().CopyTo(target.AsSpan());
        }
    }

    private void CopyOwnSegments<T>(DeviceSpan<T> send, ReadOnlySpan<Segment> sends, DeviceSpan<T> receive, ReadOnlySpan<Segment> receives)
        where T : unmanaged
    {
        int cursor = 0;
        foreach (Segment target in receives)
        {
            if (target.Peer == Rank && SegmentMatching.MoveNext(sends, Rank, ref cursor, out Segment source))
            {
                Copy(send.Slice(source.Offset, source.Count), receive.Slice(target.Offset, target.Count));
            }
        }
    }

    private void RequireOwnSegmentsToMatch(ReadOnlySpan<Segment> sends, ReadOnlySpan<Segment> receives)
    {
        int sent = 0, expected = 0;
        while (true)
        {
            bool isSent = SegmentMatching.MoveNext(sends, Rank, ref sent, out Segment given);
            bool isExpected = SegmentMatching.MoveNext(receives, Rank, ref expected, out Segment wanted);
            if (isSent != isExpected || given.Count != wanted.Count)
            {
                throw connections.ExceptionOf(
                    connections.Fail(new Failure(SegmentMatching.Disagreement(sends, Rank, receives, Rank), [], null)));
            }

            if (!isSent)
            {
                return;
            }
        }
    }

    private void Enter(CollectiveOperation operation)
    {
        connections.Enter(operation);
        if (connections.IsDead)
        {
            connections.Exit();
            connections.ThrowIfDead();
        }
    }

    /// <summary>A rank with wrong arguments can never do its part, so the communicator ends at once on every rank.</summary>
    private void Require(string? violation)
    {
        if (violation is not null)
        {
            throw connections.ExceptionOf(connections.Fail(new Failure($"rank {Rank} {violation}.", [], null)));
        }
    }
}
