using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The first thing said over a connection, by the side that connects: which communicator, which ranks, which of their connections, and a nonce. Of one size.
/// </summary>
/// <param name="Identity">The communicator.</param>
/// <param name="From">Rank of the side that connects.</param>
/// <param name="To">Rank of the side that accepts.</param>
/// <param name="Stream">Which connection of the two ranks.</param>
/// <param name="Nonce">Random bytes of the side that connects.</param>
internal readonly record struct Hello(CommunicatorIdentity Identity, int From, int To, StreamKind Stream, Digest Nonce)
{
    /// <summary>Bytes of the message.</summary>
    public const int Size = 16 + 3 * Digest.Size;

    /// <summary>Version of everything that travels over the connections.</summary>
    public const byte Version = 1;

    private const uint Magic = 0x4445_4F4D; // "MOED"

    /// <summary>Writes the message.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        bytes[4] = Version;
        bytes[5] = (byte)Stream;
        bytes[6] = ByteOrder;
        bytes[7] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], From);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], To);
        Identity.Key.Write(bytes[16..]);
        Identity.Members.Write(bytes[(16 + Digest.Size)..]);
        Nonce.Write(bytes[(16 + 2 * Digest.Size)..]);
    }

    /// <summary>Reads a message of <see cref="Size"/> bytes that may be anything.</summary>
    /// <returns>Why it is none; null when it is one.</returns>
    public static ConnectionRefusal? TryRead(ReadOnlySpan<byte> bytes, out Hello hello)
    {
        hello = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
        {
            return ConnectionRefusal.Malformed;
        }

        if (bytes[4] != Version || bytes[6] != ByteOrder)
        {
            return ConnectionRefusal.OtherVersion;
        }

        int from = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]), to = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (bytes[5] > (byte)StreamKind.Data || bytes[7] != 0 || to < 0 || from <= to)
        {
            return ConnectionRefusal.Malformed;
        }

        hello = new Hello(
            new CommunicatorIdentity(Digest.Read(bytes[16..]), Digest.Read(bytes[(16 + Digest.Size)..])), from, to, (StreamKind)bytes[5],
            Digest.Read(bytes[(16 + 2 * Digest.Size)..]));
        return null;
    }

    /// <summary>Elements travel as they lie in memory.</summary>
    private static byte ByteOrder => BitConverter.IsLittleEndian ? (byte)1 : (byte)2;
}

/// <summary>The connections of a pair of ranks. The numbers travel: append-only.</summary>
internal enum StreamKind : byte
{
    /// <summary>Signs of life and failures; the I/O threads'.</summary>
    Control = 0,

    /// <summary>Operations; the executors'.</summary>
    Data = 1,
}

/// <summary>What the accepting side answers: a code, and a nonce or a proof. The numbers travel: append-only.</summary>
internal enum HandshakeAnswer : byte
{
    /// <summary>Its nonce: prove that you have the secret.</summary>
    Challenge = 1,

    /// <summary>Its own proof: the connection is made.</summary>
    Accepted = 2,

    /// <summary>Another version.</summary>
    OtherVersion = 3,

    /// <summary>No proof of the secret.</summary>
    Unauthenticated = 4,

    /// <summary>Other members.</summary>
    OtherMembers = 5,

    /// <summary>There is such a connection.</summary>
    Duplicate = 6,

    /// <summary>Too much is waiting; try again.</summary>
    Busy = 7,
}

/// <summary>
/// The proofs of a handshake: keyed digests of everything that both sides have said and of who says it, so that a proof is of use in this one conversation
/// alone.
/// </summary>
internal static class HandshakeProof
{
    /// <summary>Bytes of an answer: the code, and a nonce or a proof.</summary>
    public const int AnswerSize = 1 + Digest.Size;

    private static ReadOnlySpan<byte> Connector => "MoEActors data plane, the side that connects"u8;

    private static ReadOnlySpan<byte> Acceptor => "MoEActors data plane, the side that accepts"u8;

    /// <summary>The proof of the side that connects.</summary>
    public static Digest OfConnector(byte[] key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge) => Of(key, Connector, hello, challenge);

    /// <summary>The proof of the side that accepts.</summary>
    public static Digest OfAcceptor(byte[] key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge) => Of(key, Acceptor, hello, challenge);

    /// <summary>Whether a proof is the one expected, in a time that says nothing about where they differ.</summary>
    public static bool IsSame(ReadOnlySpan<byte> proof, Digest expected)
    {
        Span<byte> bytes = stackalloc byte[Digest.Size];
        expected.Write(bytes);
        return CryptographicOperations.FixedTimeEquals(proof, bytes);
    }

    /// <summary>Random bytes that nobody has seen.</summary>
    public static Digest Nonce()
    {
        Span<byte> bytes = stackalloc byte[Digest.Size];
        RandomNumberGenerator.Fill(bytes);
        return Digest.Read(bytes);
    }

    private static Digest Of(byte[] key, ReadOnlySpan<byte> role, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(role);
        hash.AppendData(hello);
        hash.AppendData(challenge);
        Span<byte> bytes = stackalloc byte[Digest.Size];
        hash.GetHashAndReset(bytes);
        return Digest.Read(bytes);
    }
}
