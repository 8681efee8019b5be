using System.Runtime.CompilerServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Nccl;

/// <summary>
/// One rank of a communicator whose ranks are GPUs of several processes. Elements go from GPU to GPU by NCCL, queued on the device's stream; a call returns when
/// it is queued, as every operation of a device. What the ranks have to say to each other about it goes over TCP: how they find each other, what each is about to
/// call, and that one has failed. So a call that ranks differ in, or that one is missing in, never comes to NCCL.
/// </summary>
internal sealed class NcclCommunicator : ICommunicator
{
    /// <summary>Elements of a part that is added at once: as many are kept of every rank.</summary>
    private const int PieceElements = 1 << 20;

    private readonly CommunicatorSpec _spec;
    private readonly CudaDevice _device;
    private readonly TcpCommunicator _control;
    private readonly NcclConnection _connection;
    private readonly CallAgreement _agreement;
    private readonly bool _waits;
    private DeviceBuffer? _parts;
    private bool _isOpen;
    private int _disposed;

    /// <summary>Opens a rank, without waiting for others.</summary>
    /// <param name="spec">Which communicator, and among whom.</param>
    /// <param name="device">The rank's device.</param>
    /// <param name="control">The same ranks' communicator over TCP, which is this one's from now on.</param>
    public NcclCommunicator(CommunicatorSpec spec, CudaDevice device, TcpCommunicator control)
    {
        _spec = spec;
        _device = device;
        _control = control;
        _agreement = new CallAgreement(control);
        _connection = new NcclConnection(spec, device, control.Fail);

        // Copies of shards are beside a step, whose stream is another.
        _waits = spec.Purpose == CommunicatorPurpose.ShardCopy;
        control.WhenFailed(_connection.End);
    }

    public int Rank => _spec.Rank;

    public int Size => _spec.Size;

    /// <summary>Whether this rank can tell all others.</summary>
    public bool IsConnected => _control.IsConnected;

    public void AllToAll<T>(
        DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged
    {
        var description = new OperationDescription(CollectiveOperation.AllToAll, CarriedType.Of<T>(), 0);
        Enter(description.Operation);
        Require(description.Operation, SegmentMatching.Outside(sendSegments, send.Length, Size, "send"));
        Require(description.Operation, SegmentMatching.Outside(receiveSegments, receive.Length, Size, "receive"));
        Agree(description, sendSegments, receiveSegments);
        foreach (Segment segment in sendSegments)
        {
            Send(segment.Peer, send.Slice(segment.Offset, segment.Count));
        }

        foreach (Segment segment in receiveSegments)
        {
            Receive(segment.Peer, receive.Slice(segment.Offset, segment.Count));
        }

        _connection.Launch();
        CopyOwnSegments(send, sendSegments, receive, receiveSegments);
        Leave();
    }

    public void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged
    {
        var description = new OperationDescription(CollectiveOperation.AllGather, CarriedType.Of<T>(), mine.Length);
        Enter(description.Operation);
        Require(description.Operation, CollectiveArguments.OfGather(mine.Length, all.Length, Size));
        Agree(description, [], []);
        _connection.Add(new Transfer(TransferKind.AllGather, mine.Address, all.Address, BytesOf(mine), 0));
        _connection.Launch();
        Leave();
    }

    public void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum)
    {
        var description = new OperationDescription(
            CollectiveOperation.ReduceScatterInRankOrder, CarriedType.Of<float>(), sum.Length, Contributes: contributes);
        Enter(description.Operation);
        Require(description.Operation, CollectiveArguments.OfSum(contributes, part.Length, sum.Length));
        Agree(description, [], []);

        // Ranges differ by a line, and all ranks must do as many rounds.
        int longest = 0;
        for (int rank = 0; rank < Size; rank++)
        {
            longest = Math.Max(longest, sum.OwnedBy(rank, Size).Length);
        }

        for (int start = 0; start < longest; start += PieceElements)
        {
            AddPiece(contributes ? part : DeviceSpan<float>.Empty, sum, start);
        }

        Leave();
    }

    public void AllGatherOwned(DeviceSpan<float> sum)
    {
        var description = new OperationDescription(CollectiveOperation.AllGatherOwned, CarriedType.Of<float>(), sum.Length);
        Enter(description.Operation);
        Agree(description, [], []);
        for (int peer = 0; peer < Size; peer++)
        {
            Send(peer, sum.OwnedBy(Rank, Size));
            Receive(peer, sum.OwnedBy(peer, Size));
        }

        _connection.Launch();
        Leave();
    }

    public void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged
    {
        var description = new OperationDescription(CollectiveOperation.Broadcast, CarriedType.Of<T>(), span.Length, root);
        Enter(description.Operation);
        Require(description.Operation, CollectiveArguments.OfRoot(root, Size));
        Agree(description, [], []);
        _connection.Add(new Transfer(TransferKind.Broadcast, span.Address, span.Address, BytesOf(span), root));
        _connection.Launch();
        Leave();
    }

    public void Abort(Exception cause)
    {
        ArgumentNullException.ThrowIfNull(cause);
        _control.Fail(Failure.Aborted(Rank, cause));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // In this order: what others still take from this rank is done before they are told that it has left.
        _connection.Dispose();
        _control.Dispose();
        _parts?.Dispose();
    }

    private static long BytesOf<T>(DeviceSpan<T> span)
        where T : unmanaged => span.LongLength * Unsafe.SizeOf<T>();

    private static DeviceSpan<float> Piece(DeviceSpan<float> owned, int start) =>
        start < owned.Length ? owned.Slice(start, Math.Min(PieceElements, owned.Length - start)) : DeviceSpan<float>.Empty;

    /// <summary>Adds the parts of one piece of the owned range, when they have come, in rank order.</summary>
    private void AddPiece(DeviceSpan<float> part, DeviceSpan<float> sum, int start)
    {
        DeviceSpan<float> mine = Piece(sum.OwnedBy(Rank, Size), start);
        DeviceSpan<float> parts = PartsOf(mine.Length);
        _connection.Begin(CollectiveOperation.ReduceScatterInRankOrder);
        for (int peer = 0; peer < Size; peer++)
        {
            if (!part.IsEmpty)
            {
                Send(peer, Piece(part.OwnedBy(peer, Size), start));
            }

            if (_agreement.Contributes(peer))
            {
                Receive(peer, parts.Slice((long)peer * mine.Length, mine.Length));
            }
        }

        _connection.Launch();
        for (int peer = 0; peer < Size && !mine.IsEmpty; peer++)
        {
            if (_agreement.Contributes(peer))
            {
                _device.Add(peer == Rank ? Piece(part.OwnedBy(Rank, Size), start) : parts.Slice((long)peer * mine.Length, mine.Length), mine);
            }
        }
    }

    /// <summary>Memory of the device for so many elements of every rank.</summary>
    private DeviceSpan<float> PartsOf(int elements)
    {
        long bytes = (long)elements * Size * sizeof(float);
        if (bytes > (_parts?.Bytes ?? 0))
        {
            _parts?.Dispose();
            _parts = _device.Allocate(bytes);
        }

        return _parts is null ? DeviceSpan<float>.Empty : _parts.As<float>();
    }

    private void Send<T>(int peer, DeviceSpan<T> elements)
        where T : unmanaged
    {
        if (peer != Rank)
        {
            _connection.Add(new Transfer(TransferKind.Send, elements.Address, 0, BytesOf(elements), peer));
        }
    }

    private void Receive<T>(int peer, DeviceSpan<T> elements)
        where T : unmanaged
    {
        if (peer != Rank)
        {
            _connection.Add(new Transfer(TransferKind.Receive, 0, elements.Address, BytesOf(elements), peer));
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
                DeviceSpan<T> from = send.Slice(source.Offset, source.Count), to = receive.Slice(target.Offset, target.Count);
                if (from.Address != to.Address)
                {
                    _device.Copy(from, to);
                }
            }
        }
    }

    private void Enter(CollectiveOperation operation)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_control.Failure is { } failure)
        {
            throw failure.ToException(operation, Rank, Size);
        }

        if (!_isOpen)
        {
            Open(operation);
            _isOpen = true;
        }
    }

    private void Open(CollectiveOperation operation)
    {
        try
        {
            NcclOpening.Open(_spec, _device, _control, _connection);
        }
        catch (CommunicatorException) when (_control.Failure is not null)
        {
            throw _control.Failure.ToException(operation, Rank, Size);
        }
    }

    private void Agree(in OperationDescription description, ReadOnlySpan<Segment> sends, ReadOnlySpan<Segment> receives)
    {
        string? difference;
        try
        {
            difference = _agreement.Agree(description, sends, receives);
        }
        catch (CommunicatorException) when (_control.Failure is not null)
        {
            throw _control.Failure.ToException(description.Operation, Rank, Size);
        }

        if (difference is not null)
        {
            throw _control.Fail(new Failure(difference, [], null)).ToException(description.Operation, Rank, Size);
        }

        _connection.Begin(description.Operation);
    }

    private void Leave()
    {
        if (_waits)
        {
            _device.Synchronize();
        }
    }

    /// <summary>A rank with wrong arguments can never do its part, so the communicator ends at once on every rank.</summary>
    private void Require(CollectiveOperation operation, string? violation)
    {
        if (violation is not null)
        {
            throw _control.Fail(new Failure($"rank {Rank} {violation}.", [], null)).ToException(operation, Rank, Size);
        }
    }
}
