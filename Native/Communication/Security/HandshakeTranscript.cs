using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace MoEActors.Native.Communication.Security;

/// <summary>
/// What both sides of a handshake have said and know of each other, in order. Every part is preceded by its length, so that no two transcripts run into each
/// other.
/// </summary>
public sealed class HandshakeTranscript
{
    private readonly List<byte> _parts = [];

    /// <summary>Begins with the protocol and its version.</summary>
    public HandshakeTranscript(string protocol) => Add(protocol);

    /// <summary>Adds bytes.</summary>
    public HandshakeTranscript Add(ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
        _parts.AddRange(length);
        _parts.AddRange(part);
        return this;
    }

    /// <summary>Adds a text.</summary>
    public HandshakeTranscript Add(string part) => Add(Encoding.UTF8.GetBytes(part));

    /// <summary>SHA-256 of all parts so far.</summary>
    public byte[] Hash() => SHA256.HashData(CollectionsMarshal.AsSpan(_parts));
}
