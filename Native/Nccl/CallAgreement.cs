using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Nccl;

/// <summary>
/// What the ranks tell each other of a call before any of them gives it to NCCL, which would hang for good, or mix up memory, where they differ: the description,
/// and digests of an all-to-all's counts for every pair. All ranks see the same and come to the same result.
/// </summary>
internal sealed class CallAgreement
{
    private readonly TcpCommunicator _control;
    private readonly int _stride;

    // Not of the kind that is freed: a rank may be disposed of while it waits for the others with them.
    private readonly byte[] _mine;
    private readonly byte[] _calls;

    /// <summary>Nothing is agreed on yet.</summary>
    /// <param name="control">The ranks' communicator.</param>
    public CallAgreement(TcpCommunicator control)
    {
        _control = control;
        _stride = Unsafe.SizeOf<CallHeader>() + 2 * control.Size * Unsafe.SizeOf<PairDigest>();
        _mine = Pinned<byte>(_stride);
        _calls = Pinned<byte>(_stride * control.Size);
    }

    /// <summary>Whether a rank adds something in the call that was agreed on last.</summary>
    public bool Contributes(int rank) => HeaderOf(_calls, rank).Description.Contributes;

    /// <summary>Agrees on a call.</summary>
    /// <param name="description">What this rank is about to call.</param>
    /// <param name="sends">Of an all-to-all, what it sends.</param>
    /// <param name="receives">Of an all-to-all, what it receives.</param>
    /// <returns>How the ranks differ; null where they do not.</returns>
    /// <exception cref="CommunicatorException">The ranks could not tell each other: the control connection has failed.</exception>
    public string? Agree(in OperationDescription description, ReadOnlySpan<Segment> sends, ReadOnlySpan<Segment> receives)
    {
        HeaderOf(_mine, 0) = new CallHeader(description);
        Digest(sends, PairsOf(_mine, 0)[.._control.Size]);
        Digest(receives, PairsOf(_mine, 0)[_control.Size..]);
        _control.AllGather(SpanOf(_mine), SpanOf(_calls));

        OperationDescription first = HeaderOf(_calls, 0).Description;
        for (int rank = 1; rank < _control.Size; rank++)
        {
            if (OperationDescription.Difference(0, first, rank, HeaderOf(_calls, rank).Description) is { } difference)
            {
                return difference;
            }
        }

        return description.Operation == CollectiveOperation.AllToAll ? DifferenceInCounts(sends, receives) : null;
    }

    private static void Digest(ReadOnlySpan<Segment> segments, Span<PairDigest> pairs)
    {
        pairs.Clear();
        foreach (Segment segment in segments)
        {
            pairs[segment.Peer] = pairs[segment.Peer].With(segment.Count);
        }
    }

    private string? DifferenceInCounts(ReadOnlySpan<Segment> sends, ReadOnlySpan<Segment> receives)
    {
        for (int sender = 0; sender < _control.Size; sender++)
        {
            for (int receiver = 0; receiver < _control.Size; receiver++)
            {
                PairDigest sent = PairsOf(_calls, sender)[receiver];
                PairDigest expected = PairsOf(_calls, receiver)[_control.Size + sender];
                if (sent != expected)
                {
                    return sent.Segments == expected.Segments
                        ? FirstOtherCount(sends, sender, receives, receiver, sent.Segments)
                        : SegmentMatching.OtherNumber(sender, sent.Segments, receiver, expected.Segments);
                }
            }
        }

        return null;
    }

    /// <summary>Every rank has found the same pair: its two ranks tell all what they have.</summary>
    private string FirstOtherCount(ReadOnlySpan<Segment> sends, int sender, ReadOnlySpan<Segment> receives, int receiver, int segments)
    {
        int[] sent = Pinned<int>(segments), expected = Pinned<int>(segments);
        Collect(_control.Rank == sender, sends, receiver, sent);
        Collect(_control.Rank == receiver, receives, sender, expected);
        _control.Broadcast(SpanOf(sent), sender);
        _control.Broadcast(SpanOf(expected), receiver);
        int index = sent.AsSpan().CommonPrefixLength(expected);
        return SegmentMatching.OtherCount(index, sender, sent[index], receiver, expected[index]);
    }

    private static void Collect(bool isMine, ReadOnlySpan<Segment> segments, int peer, int[] counts)
    {
        int cursor = 0;
        for (int i = 0; isMine && SegmentMatching.MoveNext(segments, peer, ref cursor, out Segment segment); i++)
        {
            counts[i] = segment.Count;
        }
    }

    private ref CallHeader HeaderOf(byte[] calls, int rank) =>
        ref MemoryMarshal.AsRef<CallHeader>(calls.AsSpan(rank * _stride, Unsafe.SizeOf<CallHeader>()));

    private Span<PairDigest> PairsOf(byte[] calls, int rank) =>
        MemoryMarshal.Cast<byte, PairDigest>(calls.AsSpan(rank * _stride, _stride)[Unsafe.SizeOf<CallHeader>()..]);

    private static T[] Pinned<T>(int length) => GC.AllocateArray<T>(length, pinned: true);

    private static unsafe DeviceSpan<T> SpanOf<T>(T[] pinned)
        where T : unmanaged => new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)), pinned.Length);

    /// <summary>A description as it travels.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct CallHeader(in OperationDescription description)
    {
        private readonly int _operation = (int)description.Operation;
        private readonly int _type = (int)description.Element.Code;
        private readonly int _size = description.Element.Size;
        private readonly int _length = description.Length;
        private readonly int _root = description.Root;
        private readonly int _contributes = description.Contributes ? 1 : 0;

        public OperationDescription Description =>
            new((CollectiveOperation)_operation, new CarriedType((TypeCode)_type, _size), _length, _root, _contributes != 0);
    }

    /// <summary>The segments of a pair of ranks: how many, and a digest of their counts (FNV-1a, of numbers in place of bytes).</summary>
    private readonly record struct PairDigest(int Segments, uint Counts)
    {
        private const uint Prime = 16777619;

        public PairDigest With(int count) => new(Segments + 1, (Counts ^ (uint)count) * Prime);
    }
}
