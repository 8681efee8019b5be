using System.Runtime.CompilerServices;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// One rank of a group whose ranks are threads of one process. Receivers copy straight from the senders' memory, so a byte
/// travels once. Nothing is allocated once warm.
/// </summary>
internal sealed class InProcessCommunicator(InProcessCommunicatorGroup group, CollectiveBarrier barrier, int rank, IPeerMemory memory) : ICommunicator
{
    private readonly int[] _cursors = new int[group.Size];
    private readonly IDevice?[] _owners = new IDevice?[group.Size];
    private readonly nint[] _parts = new nint[group.Size];
    private int _disposed;

    public int Rank { get; } = rank;

    public int Size => group.Size;

    private Contribution Mine => barrier[Rank];

    public void AllToAll<T>(
        DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    {
        RequireOpen();
        Mine.DescribeSends(CarriedType.Of<T>(), send.Address, sendSegments);
        Require(SegmentMatching.Outside(sendSegments, send.Length, Size, "send"));
        Require(SegmentMatching.Outside(receiveSegments, receive.Length, Size, "receive"));
        Arrive();
        Receive(receive, receiveSegments);
        Depart();
    }

    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        RequireOpen();
        Mine.Describe(new OperationDescription(CollectiveOperation.AllGather, CarriedType.Of<T>(), mine.Length), mine.Address);
        Require(CollectiveArguments.OfGather(mine.Length, all.Length, Size));
        Arrive();
        for (int i = 0; i < Size; i++)
        {
            // Every rank begins at another peer, so that they do not all read the same memory first.
            int peer = (Rank + i) % Size;
            memory.Copy(barrier[peer].Memory.Device, barrier[peer].Address, all.Slice(peer * mine.Length, mine.Length));
        }

        Depart();
    }

    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum)
    {
        RequireOpen();
        Mine.Describe(
            new OperationDescription(CollectiveOperation.ReduceScatterInRankOrder, CarriedType.Of<float>(), sum.Length, Contributes: contributes),
            part.Address);
        Require(CollectiveArguments.OfSum(contributes, part.Length, sum.Length));
        Arrive();
        AddParts(sum);
        Depart();
    }

    public void AllGatherOwned(DeviceSpan<float> sum)
    {
        RequireOpen();
        Mine.Describe(new OperationDescription(CollectiveOperation.AllGatherOwned, CarriedType.Of<float>(), sum.Length), sum.Address);
        Arrive();
        for (int i = 1; i < Size; i++)
        {
            int owner = (Rank + i) % Size;
            (int start, int length) = ICommunicator.OwnedRange(sum.Length, owner, Size);
            memory.Copy(barrier[owner].Memory.Device, barrier[owner].Address + (nint)start * sizeof(float), sum.Slice(start, length));
        }

        Depart();
    }

    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    {
        RequireOpen();
        Mine.Describe(new OperationDescription(CollectiveOperation.Broadcast, CarriedType.Of<T>(), span.Length, root), span.Address);
        Require(CollectiveArguments.OfRoot(root, Size));
        Arrive();
        memory.Copy(barrier[root].Memory.Device, barrier[root].Address, span);
        Depart();
    }

    public void Abort(Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        barrier.Fail(Failure.Aborted(Rank, cause));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            // Other ranks, waiting now or calling later, must not wait for this one.
            barrier.Fail(Failure.Disposed(Rank));
            group.Released();
        }
    }

    private void Arrive()
    {
        Mine.Memory = memory;
        EndIfFailed(memory.Publish());
        barrier.Arrive(Rank);
        for (int i = 1; i < Size; i++)
        {
            memory.AwaitPublished(barrier[(Rank + i) % Size].Memory);
        }
    }

    private void Depart()
    {
        EndIfFailed(memory.Complete());
        barrier.Depart(Rank);
        for (int i = 1; i < Size; i++)
        {
            memory.AwaitCompleted(barrier[(Rank + i) % Size].Memory);
        }
    }

    /// <summary>When the device has failed, the other ranks cannot go on without this one, and may not wait for it.</summary>
    private void EndIfFailed(Exception? cause)
    {
        if (cause is not null)
        {
            barrier.Fail(Failure.Aborted(Rank, cause));
        }
    }

    private void AddParts(DeviceSpan<float> sum)
    {
        (int start, int length) = ICommunicator.OwnedRange(sum.Length, Rank, Size);
        int contributors = 0;
        for (int peer = 0; peer < Size; peer++)
        {
            if (barrier[peer].Description.Contributes)
            {
                _owners[contributors] = barrier[peer].Memory.Device;
                _parts[contributors++] = barrier[peer].Address + (nint)start * sizeof(float);
            }
        }

        memory.Add(sum.Slice(start, length), _owners.AsSpan(0, contributors), _parts.AsSpan(0, contributors));
    }

    private void Receive<T>(DeviceSpan<T> receive, ReadOnlySpan<Segment> segments)
        where T : unmanaged
    {
        Array.Clear(_cursors);
        foreach (Segment expected in segments)
        {
            Contribution sender = barrier[expected.Peer];
            if (!SegmentMatching.MoveNext(sender.Sends, Rank, ref _cursors[expected.Peer], out Segment sent) || sent.Count != expected.Count)
            {
                Disagree(segments, expected.Peer);
                return;
            }

            memory.Copy(sender.Memory.Device, sender.Address + (nint)sent.Offset * Unsafe.SizeOf<T>(), receive.Slice(expected.Offset, expected.Count));
        }

        for (int peer = 0; peer < Size; peer++)
        {
            if (SegmentMatching.MoveNext(barrier[peer].Sends, Rank, ref _cursors[peer], out _))
            {
                Disagree(segments, peer);
                return;
            }
        }
    }

    private void Disagree(ReadOnlySpan<Segment> receives, int peer) =>
        barrier.Fail(new Failure(SegmentMatching.Disagreement(barrier[peer].Sends, peer, receives, Rank), [], null));

    private void Require(string? violation)
    {
        if (violation is not null)
        {
            throw Reject(violation);
        }
    }

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_disposed != 0, this);

    /// <summary>A rank with wrong arguments can never arrive, so the group ends at once on every rank.</summary>
    private CommunicatorException Reject(string violation) =>
        barrier.Fail(new Failure($"rank {Rank} {violation}.", [], null)).ToException(Mine.Description.Operation, Rank, Size);
}
