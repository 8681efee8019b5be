using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Which communicator a connection belongs to, as two digests: what it is for, and who its members are. Whatever names and addresses are in them, they take
/// 32 bytes each, so that whoever has not yet proved anything cannot make the other side read more.
/// </summary>
/// <param name="Key">Of cluster, purpose, model, term, view and attempt.</param>
/// <param name="Members">Of every rank's host, device and address.</param>
internal readonly record struct CommunicatorIdentity(Digest Key, Digest Members)
{
    /// <summary>The identity of what a rank opens.</summary>
    public static CommunicatorIdentity Of(string cluster, CommunicatorSpec spec)
    {
        using var key = new DigestWriter();
        key.Write("MoEActors communicator");
        key.Write(cluster);
        key.Write((long)spec.Purpose);
        key.Write(spec.Model);
        key.Write(spec.Term);
        key.Write(spec.View);
        key.Write(spec.Attempt);

        using var members = new DigestWriter();
        members.Write(spec.Size);
        foreach (CommunicatorMember member in spec.Members)
        {
            members.Write(member.Host);
            members.Write(member.Device);
            members.Write(member.EndPoint is { } endPoint ? DataEndPoint.Format(endPoint) : "");
        }

        return new CommunicatorIdentity(key.End(), members.End());
    }

    /// <summary>Digests texts and numbers, each with its length, so that no two sequences of them are the same bytes.</summary>
    private sealed class DigestWriter : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public void Write(long number)
        {
            Span<byte> bytes = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            _hash.AppendData(bytes);
        }

        public void Write(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Write(bytes.Length);
            _hash.AppendData(bytes);
        }

        public Digest End() => Digest.Read(_hash.GetHashAndReset());

        public void Dispose() => _hash.Dispose();
    }
}

/// <summary>A SHA-256 digest as a value.</summary>
internal readonly record struct Digest(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    /// <summary>The digest in the first <see cref="Size"/> bytes.</summary>
    public static Digest Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));

    /// <summary>Writes it to the first <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, A);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], B);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], C);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], D);
    }
}
