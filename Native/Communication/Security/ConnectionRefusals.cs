using System.Diagnostics.Metrics;

namespace MoEActors.Native.Communication.Security;

/// <summary>Why a connection was refused, before anything else was said on it or by what came over it. The numbers travel: append-only.</summary>
public enum ConnectionRefusal
{
    /// <summary>What came is no handshake.</summary>
    Malformed = 1,

    /// <summary>A handshake of another version.</summary>
    Version = 2,

    /// <summary>The other side wants to be something that this endpoint does not serve.</summary>
    Role = 3,

    /// <summary>The other side belongs to another cluster.</summary>
    Cluster = 4,

    /// <summary>The other side wanted to reach somebody else.</summary>
    Address = 5,

    /// <summary>The other side does not know the secret, or repeats what it has overheard.</summary>
    Proof = 6,

    /// <summary>The connection ended in the middle of the handshake.</summary>
    Truncated = 7,

    /// <summary>The handshake was not done in time.</summary>
    Deadline = 8,

    /// <summary>Too many other handshakes were under way.</summary>
    Crowd = 9,

    /// <summary>Of the data plane: its communicator is open here with other members, or without such ranks.</summary>
    Members = 10,

    /// <summary>Of the data plane: the connection that it claims to be is there already.</summary>
    Duplicate = 11,

    /// <summary>Of the data plane: too many connections were waiting for communicators that are not open here.</summary>
    Parked = 12,

    /// <summary>Of the data plane: the communicator that it names was not opened here in time, and so belongs to another view.</summary>
    Unopened = 13,

    /// <summary>Of the data plane: something came over it, after the handshake, that is no frame.</summary>
    Frame = 14,
}

/// <summary>Counts refused connections of a process's endpoint, here and in the meter <c>MoEActors</c>.</summary>
/// <param name="endpoint">What the connections were for: <c>silo</c>, <c>gateway</c>, or <c>data</c>.</param>
public sealed class ConnectionRefusals(string endpoint)
{
    private static readonly Meter Meter = new("MoEActors");

    private static readonly Counter<long> Refused = Meter.CreateCounter<long>(
        "moe.connections.refused", "{connection}", "Connections that were refused, by endpoint and reason.");

    private static long OfAll;

    private readonly long[] _counts = new long[(int)Enum.GetValues<ConnectionRefusal>().Max() + 1];

    /// <summary>Refused connections of all endpoints of this process.</summary>
    public static long OfProcess => Interlocked.Read(ref OfAll);

    /// <summary>Refused connections of all reasons.</summary>
    public long Total => _counts.Sum();

    /// <summary>Refused connections of one reason.</summary>
    public long this[ConnectionRefusal reason] => Interlocked.Read(ref _counts[(int)reason]);

    /// <summary>Counts one.</summary>
    public void Count(ConnectionRefusal reason)
    {
        Interlocked.Increment(ref _counts[(int)reason]);
        Interlocked.Increment(ref OfAll);
        Refused.Add(1, new("endpoint", endpoint), new("reason", reason.ToString().ToLowerInvariant()));
    }
}
