using System.Buffers.Binary;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// What a rank says of an operation, to every other rank, before its elements. Of an all-to-all, the counts of its segments follow, one after the other.
/// </summary>
/// <param name="Sequence">How many operations came before over this communicator.</param>
/// <param name="Description">The operation.</param>
/// <param name="Segments">Number of segments.</param>
internal readonly record struct FrameHeader(long Sequence, OperationDescription Description, int Segments)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 32;

    /// <summary>The most segments that one rank sends to another in one operation.</summary>
    public const int MostSegments = 1 << 20;

    private const byte Kind = 1;
    private const int LargestElement = 1 << 16;

    /// <summary>Writes the header.</summary>
    public void Write(Span<byte> bytes)
    {
        bytes[0] = Kind;
        bytes[1] = (byte)Description.Operation;
        bytes[2] = (byte)Description.Element.Code;
        bytes[3] = Description.Contributes ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Description.Element.Size);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], Description.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], Description.Root);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[24..], Segments);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[28..], 0);
    }

    /// <summary>Reads <see cref="Size"/> bytes, which may be anything.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="size">Number of ranks.</param>
    /// <param name="header">The header.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int size, out FrameHeader header)
    {
        var operation = (CollectiveOperation)bytes[1];
        var code = (TypeCode)bytes[2];
        int element = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        long sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        int root = BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]);
        int segments = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]);
        bool isHeader = bytes[0] == Kind
            && operation is > CollectiveOperation.None and <= CollectiveOperation.Broadcast
            && code is >= TypeCode.Object and <= TypeCode.DateTime
            && (bytes[3] == 1 || (bytes[3] == 0 && operation == CollectiveOperation.ReduceScatterInRankOrder))
            && element is > 0 and <= LargestElement && sequence >= 0 && length >= 0 && root >= 0 && root < size
            && segments >= 0 && segments <= (operation == CollectiveOperation.AllToAll ? MostSegments : 0)
            && BinaryPrimitives.ReadInt32LittleEndian(bytes[28..]) == 0;
        header = isHeader
            ? new FrameHeader(sequence, new OperationDescription(operation, new CarriedType(code, element), length, root, bytes[3] == 1), segments)
            : default;
        return isHeader;
    }
}

/// <summary>
/// What a rank says behind its elements, when the headers of all ranks agree: no rank is done before every one has said it to every other, so that an operation that
/// one of them cannot do is done by none.
/// </summary>
internal static class AgreedFrame
{
    /// <summary>Bytes of the frame.</summary>
    public const int Size = 16;

    private const ulong Kind = 2;

    /// <summary>Writes the frame.</summary>
    public static void Write(Span<byte> bytes, long sequence)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Kind);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], sequence);
    }

    /// <summary>Whether these bytes are the frame of an operation.</summary>
    public static bool Is(ReadOnlySpan<byte> bytes, long sequence) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes) == Kind && BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]) == sequence;
}
