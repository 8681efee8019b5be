using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Client.Connections;

/// <summary>What a process is on a connection of Orleans.</summary>
internal enum ConnectionRole : byte
{
    /// <summary>A silo that connects to another.</summary>
    Silo = 1,

    /// <summary>A client that connects to a silo's gateway.</summary>
    Client = 2,
}

/// <summary>
/// What is said on a connection before Orleans says anything: both sides prove that they know the cluster's secret, over a transcript with fresh nonces, their
/// roles, the cluster, and the addresses that the dialer gives. Messages have bounded sizes.
/// </summary>
/// <remarks>
/// Dialer: magic, version, length; role, nonce, cluster, target, source. Acceptor: magic, version, verdict, nonce, proof. Dialer: proof. A verdict other than
/// zero is the refusal's number, and all that the dialer learns.
/// </remarks>
/// <param name="secret">The cluster's secret.</param>
/// <param name="cluster">The cluster's name.</param>
internal sealed class SecretHandshake(ClusterSecret secret, string cluster)
{
    private const string Protocol = "MoEActors Orleans connection";
    private const byte Version = 1;

    /// <summary>Magic, version, and the length of the rest.</summary>
    private const int HeaderLength = 7;

    private const int MaximumGreeting = 1024;
    private const int MaximumText = byte.MaxValue;
    private const int ReplyLength = 4 + 1 + 1 + ClusterSecret.NonceLength + ClusterSecret.ProofLength;

    private static ReadOnlySpan<byte> Magic => "MoEo"u8;

    /// <summary>Proves this side to the process that has accepted the connection, and that one to this side.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="role">What this process is.</param>
    /// <param name="target">Who is dialed.</param>
    /// <param name="source">Who dials; empty for a client, which has no address.</param>
    /// <param name="cancellationToken">The deadline.</param>
    /// <exception cref="HandshakeException">The connection must not be used.</exception>
    public async Task DialAsync(IDuplexPipe transport, ConnectionRole role, string target, string source, CancellationToken cancellationToken)
    {
        var greeting = new Greeting(role, ClusterSecret.NewNonce(), cluster, target, source);
        await transport.Output.WriteAsync(Encode(greeting), cancellationToken);
        byte[] reply = await ReadAsync(transport.Input, ReplyLength, cancellationToken);
        RequireOurs(reply);
        if (reply[5] != 0)
        {
            throw new HandshakeException((ConnectionRefusal)reply[5], $"was refused by {target}: {Words((ConnectionRefusal)reply[5])}");
        }

        byte[] nonce = reply[6..(6 + ClusterSecret.NonceLength)];
        HandshakeTranscript transcript = Transcript(greeting, nonce);
        if (!secret.IsProof(reply.AsSpan(6 + ClusterSecret.NonceLength), transcript, HandshakeSide.Acceptor))
        {
            throw new HandshakeException(ConnectionRefusal.Proof, $"to {target} is not used: {Words(ConnectionRefusal.Proof)}");
        }

        await transport.Output.WriteAsync(secret.Prove(transcript, HandshakeSide.Dialer), cancellationToken);
    }

    /// <summary>Proves this side to a process that has opened a connection, and that one to this side.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="role">What the other side must be.</param>
    /// <param name="self">The address under which it must have dialed this one; null where that may be any.</param>
    /// <param name="cancellationToken">The deadline.</param>
    /// <exception cref="HandshakeException">The connection must not be used.</exception>
    public async Task AcceptAsync(IDuplexPipe transport, ConnectionRole role, string? self, CancellationToken cancellationToken)
    {
        Greeting greeting;
        try
        {
            byte[] header = await ReadAsync(transport.Input, HeaderLength, cancellationToken);
            RequireOurs(header);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(5));
            Refuse(length > MaximumGreeting, ConnectionRefusal.Malformed);
            greeting = Decode(await ReadAsync(transport.Input, length, cancellationToken));
            Refuse(greeting.Role != role, ConnectionRefusal.Role);
            Refuse(greeting.Cluster != cluster, ConnectionRefusal.Cluster);
            Refuse(self is not null && greeting.Target != self, ConnectionRefusal.Address);
        }
        catch (HandshakeException e) when (e.Reason is not (ConnectionRefusal.Truncated or ConnectionRefusal.Malformed))
        {
            await transport.Output.WriteAsync(Reply((byte)e.Reason, new byte[ClusterSecret.NonceLength], new byte[ClusterSecret.ProofLength]), cancellationToken);
            throw;
        }

        byte[] nonce = ClusterSecret.NewNonce();
        HandshakeTranscript transcript = Transcript(greeting, nonce);
        await transport.Output.WriteAsync(Reply(0, nonce, secret.Prove(transcript, HandshakeSide.Acceptor)), cancellationToken);
        byte[] proof = await ReadAsync(transport.Input, ClusterSecret.ProofLength, cancellationToken);
        Refuse(!secret.IsProof(proof, transcript, HandshakeSide.Dialer), ConnectionRefusal.Proof);
    }

    /// <summary>An address as both sides write it.</summary>
    public static string Name(EndPoint? endpoint) => endpoint switch
    {
        IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped => new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port).ToString(),
        null => "",
        _ => endpoint.ToString() ?? "",
    };

    /// <summary>Why a connection was refused, and what to do about it.</summary>
    public static string Words(ConnectionRefusal reason) => reason switch
    {
        ConnectionRefusal.Malformed => "what came is no handshake; give the process over there the cluster's secret",
        ConnectionRefusal.Version => "it has another version of the handshake; run one version of MoEActors",
        ConnectionRefusal.Role => "that endpoint is not for this; silos connect to silo ports, clients to gateway ports",
        ConnectionRefusal.Cluster => "it belongs to another cluster; compare the cluster ids",
        ConnectionRefusal.Address => "it goes by another address; compare what it advertises with what leads there",
        ConnectionRefusal.Proof => "it does not have this cluster's secret; give every process the same one",
        ConnectionRefusal.Truncated => "it ended in the middle of the handshake; perhaps it has no secret or another one",
        ConnectionRefusal.Deadline => "the handshake was not done in time; perhaps the process over there has no secret",
        ConnectionRefusal.Crowd => "too many handshakes are under way there",
        _ => $"for the reason {(int)reason}",
    };

    private static HandshakeTranscript Transcript(Greeting greeting, byte[] acceptorsNonce) => new HandshakeTranscript(Protocol)
        .Add([Version])
        .Add([(byte)greeting.Role])
        .Add(greeting.Cluster)
        .Add(greeting.Target)
        .Add(greeting.Source)
        .Add(greeting.Nonce)
        .Add(acceptorsNonce);

    private static byte[] Encode(Greeting greeting)
    {
        using var body = new MemoryStream();
        body.WriteByte((byte)greeting.Role);
        body.Write(greeting.Nonce);
        foreach (string text in new[] { greeting.Cluster, greeting.Target, greeting.Source })
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.Length > MaximumText)
            {
                throw new ArgumentException($"'{text}' is too long: {MaximumText} bytes at most go into a handshake.");
            }

            body.WriteByte((byte)bytes.Length);
            body.Write(bytes);
        }

        byte[] message = new byte[HeaderLength + body.Length];
        Magic.CopyTo(message);
        message[4] = Version;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(5), (ushort)body.Length);
        body.GetBuffer().AsSpan(0, (int)body.Length).CopyTo(message.AsSpan(HeaderLength));
        return message;
    }

    private static Greeting Decode(ReadOnlySpan<byte> body)
    {
        const int Fixed = 1 + ClusterSecret.NonceLength;
        Refuse(body.Length < Fixed, ConnectionRefusal.Malformed);
        var role = (ConnectionRole)body[0];
        byte[] nonce = body[1..Fixed].ToArray();
        ReadOnlySpan<byte> rest = body[Fixed..];
        string[] texts = new string[3];
        for (int i = 0; i < texts.Length; i++)
        {
            Refuse(rest.IsEmpty || rest.Length < 1 + rest[0], ConnectionRefusal.Malformed);
            texts[i] = Encoding.UTF8.GetString(rest.Slice(1, rest[0]));
            rest = rest[(1 + rest[0])..];
        }

        Refuse(!rest.IsEmpty, ConnectionRefusal.Malformed);
        return new Greeting(role, nonce, texts[0], texts[1], texts[2]);
    }

    private static byte[] Reply(byte verdict, byte[] nonce, byte[] proof) => [.. Magic, Version, verdict, .. nonce, .. proof];

    private static void RequireOurs(ReadOnlySpan<byte> header)
    {
        Refuse(!header[..4].SequenceEqual(Magic), ConnectionRefusal.Malformed);
        Refuse(header[4] != Version, ConnectionRefusal.Version);
    }

    private static void Refuse(bool isWrong, ConnectionRefusal reason)
    {
        if (isWrong)
        {
            throw new HandshakeException(reason, $"is refused: {Words(reason)}");
        }
    }

    /// <summary>Takes exactly so many bytes; what follows them is Orleans'.</summary>
    private static async Task<byte[]> ReadAsync(PipeReader input, int length, CancellationToken cancellationToken)
    {
        ReadResult read = await input.ReadAtLeastAsync(length, cancellationToken);
        if (read.Buffer.Length < length)
        {
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            throw new HandshakeException(ConnectionRefusal.Truncated, $"is refused: {Words(ConnectionRefusal.Truncated)}");
        }

        ReadOnlySequence<byte> taken = read.Buffer.Slice(0, length);
        byte[] bytes = taken.ToArray();
        input.AdvanceTo(taken.End);
        return bytes;
    }

    private sealed record Greeting(ConnectionRole Role, byte[] Nonce, string Cluster, string Target, string Source);
}

/// <summary>A connection that must not be used, and why.</summary>
internal sealed class HandshakeException(ConnectionRefusal reason, string what) : Exception($"A connection {what}.")
{
    /// <summary>Why.</summary>
    public ConnectionRefusal Reason => reason;
}
