using System.Security.Cryptography;
using System.Text;

namespace MoEActors.Native.Communication.Security;

/// <summary>
/// The secret that all processes of a cluster share, whatever they connect for. It never leaves the process: what travels are proofs, each of one handshake.
/// Nothing shows it, this object's text included.
/// </summary>
public sealed class ClusterSecret
{
    /// <summary>Characters that a secret has at least: who listens to a handshake could try out shorter ones.</summary>
    public const int LeastLength = 16;

    /// <summary>Bytes of a proof.</summary>
    public const int ProofLength = HMACSHA256.HashSizeInBytes;

    /// <summary>Bytes of a nonce.</summary>
    public const int NonceLength = 32;

    private static readonly byte[] Salt = "MoEActors cluster secret, version 1"u8.ToArray();

    private readonly byte[] _key;

    private ClusterSecret(byte[] key) => _key = key;

    /// <summary>What processes of one machine have that were given no secret. Whoever reaches them has it, too.</summary>
    internal static ClusterSecret None => Of("");

    /// <summary>Makes a key of a text. White space around it does not count, as files end with a line.</summary>
    /// <exception cref="ArgumentException">The text is too short; the message does not repeat it.</exception>
    public static ClusterSecret From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string secret = text.Trim();
        return secret.Length >= LeastLength
            ? Of(secret)
            : throw new ArgumentException($"A cluster's secret has {LeastLength} characters at least; this one has {secret.Length}.", nameof(text));
    }

    /// <summary>A secret that nobody can guess, as a text for a file.</summary>
    public static string NewText() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceLength));

    /// <summary>A number for one handshake, which no other has had.</summary>
    public static byte[] NewNonce() => RandomNumberGenerator.GetBytes(NonceLength);

    /// <summary>Proves to the other side of a handshake that this side has the secret.</summary>
    /// <param name="transcript">What both sides have said and know of each other.</param>
    /// <param name="prover">Which side proves, so that no side can be given its own proof back.</param>
    public byte[] Prove(HandshakeTranscript transcript, HandshakeSide prover)
    {
        ArgumentNullException.ThrowIfNull(transcript);
        byte[] key = HKDF.Expand(HashAlgorithmName.SHA256, _key, ProofLength, [(byte)prover]);
        return HMACSHA256.HashData(key, transcript.Hash());
    }

    /// <summary>Whether a proof is the one that <paramref name="prover"/> would give, in a time that does not depend on where they differ.</summary>
    public bool IsProof(ReadOnlySpan<byte> proof, HandshakeTranscript transcript, HandshakeSide prover) =>
        CryptographicOperations.FixedTimeEquals(proof, Prove(transcript, prover));

    /// <inheritdoc />
    public override string ToString() => "(a cluster's secret)";

    private static ClusterSecret Of(string secret) => new(HKDF.Extract(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), Salt));
}

/// <summary>The sides of a handshake.</summary>
public enum HandshakeSide
{
    /// <summary>Who has opened the connection.</summary>
    Dialer = 1,

    /// <summary>Who has accepted it.</summary>
    Acceptor = 2,
}
