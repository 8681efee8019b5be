using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace MoEActors.Client.History.TensorBoard;

/// <summary>The frame of a record in a TFRecord file: its length and its bytes, each followed by a masked CRC-32C (Castagnoli), little-endian.</summary>
internal static class RecordFrame
{
    private const uint MaskDelta = 0xa282ead8;

    /// <summary>Writes a record.</summary>
    public static void Write(ReadOnlySpan<byte> record, Stream stream)
    {
        Span<byte> head = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], Masked(head[..8]));
        stream.Write(head);
        stream.Write(record);
        Span<byte> tail = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, Masked(record));
        stream.Write(tail);
    }

    /// <summary>The sum of a record, turned and shifted: sums of what has sums in it would else be weak.</summary>
    internal static uint Masked(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Crc32C(bytes), 15) + MaskDelta;

    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }
}
