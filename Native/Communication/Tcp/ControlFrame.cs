using System.Buffers.Binary;
using System.Text;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// What travels over control connections: signs of life, and why a communicator failed. A frame is a kind, a zero, the length of its body, and the body.
/// </summary>
internal static class ControlFrame
{
    /// <summary>Bytes before the body.</summary>
    public const int HeaderSize = 4;

    /// <summary>The longest body.</summary>
    public const int LongestBody = 12 * 1024;

    private const int MostMissing = 1024;
    private const int LongestMessage = LongestBody - 2 - MostMissing * sizeof(int);

    /// <summary>The kinds of frames. The numbers travel: append-only.</summary>
    public enum Kind : byte
    {
        /// <summary>I live. No body.</summary>
        Alive = 1,

        /// <summary>The communicator has failed. The body is the number of missing ranks, they, and the message.</summary>
        Failed = 2,
    }

    /// <summary>A sign of life.</summary>
    public static ReadOnlySpan<byte> Alive => [(byte)Kind.Alive, 0, 0, 0];

    /// <summary>The frame of a failure.</summary>
    public static byte[] Of(Failure failure)
    {
        int missing = Math.Min(failure.MissingRanks.Length, MostMissing);
        byte[] message = Encoding.UTF8.GetBytes(failure.Message);
        int length = Math.Min(message.Length, LongestMessage);
        byte[] frame = new byte[HeaderSize + 2 + missing * sizeof(int) + length];
        frame[0] = (byte)Kind.Failed;
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(2), (ushort)(frame.Length - HeaderSize));
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(HeaderSize), (ushort)missing);
        Span<byte> body = frame.AsSpan(HeaderSize + 2);
        for (int i = 0; i < missing; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(body[(i * sizeof(int))..], failure.MissingRanks[i]);
        }

        message.AsSpan(0, length).CopyTo(body[(missing * sizeof(int))..]);
        return frame;
    }

    /// <summary>Reads the header of a frame, which may be anything.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out Kind kind, out int length)
    {
        kind = (Kind)bytes[0];
        length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        return bytes[1] == 0 && (kind == Kind.Alive ? length == 0 : kind == Kind.Failed && length is >= 2 and <= LongestBody);
    }

    /// <summary>Reads the body of a failure, which may be anything.</summary>
    /// <param name="body">The body.</param>
    /// <param name="size">Number of ranks.</param>
    /// <param name="failure">The failure.</param>
    public static bool TryReadFailure(ReadOnlySpan<byte> body, int size, out Failure? failure)
    {
        failure = null;
        int missing = body.Length < 2 ? int.MaxValue : BinaryPrimitives.ReadUInt16LittleEndian(body);
        if (missing > Math.Min(size, MostMissing) || body.Length < 2 + missing * sizeof(int))
        {
            return false;
        }

        int[] ranks = new int[missing];
        for (int i = 0; i < missing; i++)
        {
            ranks[i] = BinaryPrimitives.ReadInt32LittleEndian(body[(2 + i * sizeof(int))..]);
            if (ranks[i] >= size || ranks[i] < (i == 0 ? 0 : ranks[i - 1] + 1))
            {
                return false;
            }
        }

        failure = new Failure(Encoding.UTF8.GetString(body[(2 + missing * sizeof(int))..]), ranks, null);
        return true;
    }
}
