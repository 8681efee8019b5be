using System.Buffers.Binary;
using MoEActors.Native.Communication.Security;

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
            return ConnectionRefusal.Version;
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

/// <summary>
/// What the two sides of a handshake prove to each other: that they have the cluster's secret, over everything that both have said. An answer of the accepting side is a
/// byte - zero, or the number of its refusal - and a nonce or a proof.
/// </summary>
/// <param name="secret">The cluster's secret.</param>
/// <param name="cluster">The cluster's name.</param>
internal sealed class HandshakeProof(ClusterSecret secret, string cluster)
{
    /// <summary>Bytes of a proof.</summary>
    public const int Size = ClusterSecret.ProofLength;

    /// <summary>Bytes of an answer.</summary>
    public const int AnswerSize = 1 + Size;

    /// <summary>The code of an answer that refuses nothing.</summary>
    public const byte GoOn = 0;

    private const string Protocol = "MoEActors data plane";

    /// <summary>The proof of one side.</summary>
    public byte[] Of(HandshakeSide side, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge) => secret.Prove(Transcript(hello, challenge), side);

    /// <summary>Whether a proof is that of a side, in a time that says nothing about where it differs.</summary>
    public bool Is(ReadOnlySpan<byte> proof, HandshakeSide side, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge) =>
        secret.IsProof(proof, Transcript(hello, challenge), side);

    /// <summary>Random bytes that nobody has seen.</summary>
    public static Digest Nonce() => Digest.Read(ClusterSecret.NewNonce());

    private HandshakeTranscript Transcript(ReadOnlySpan<byte> hello, ReadOnlySpan<byte> challenge) =>
        new HandshakeTranscript(Protocol).Add(cluster).Add(hello).Add(challenge);
}
