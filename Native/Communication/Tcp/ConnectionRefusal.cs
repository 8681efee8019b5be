using System.Collections.Frozen;
using System.Diagnostics.Metrics;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>Why a connection was closed before it belonged to a communicator, or because of what came over it.</summary>
public enum ConnectionRefusal
{
    /// <summary>Too many connections were saying who they are.</summary>
    TooManyHandshakes = 0,

    /// <summary>It did not say who it is before the deadline of the handshake.</summary>
    TooSlow = 1,

    /// <summary>It was closed in the middle of the handshake.</summary>
    Truncated = 2,

    /// <summary>It said something that is no handshake.</summary>
    Malformed = 3,

    /// <summary>It speaks another version of the protocol.</summary>
    OtherVersion = 4,

    /// <summary>It did not prove that it has the cluster's secret.</summary>
    Unauthenticated = 5,

    /// <summary>Its communicator is open here with other members, or without such ranks.</summary>
    OtherMembers = 6,

    /// <summary>The connection that it claims to be is there already.</summary>
    Duplicate = 7,

    /// <summary>Too many connections were waiting for communicators that are not open here.</summary>
    TooManyParked = 8,

    /// <summary>The communicator that it names was not opened here in time: it belongs to another view.</summary>
    NotOpened = 9,

    /// <summary>Something came over it, after the handshake, that is no frame.</summary>
    MalformedFrame = 10,
}

/// <summary>What a data server has done, as figures that only rise.</summary>
public sealed class TcpCounters
{
    private static readonly Meter Meter = new("MoEActors");

    private static readonly Counter<long> AllAccepted =
        Meter.CreateCounter<long>("moe.data.connections.accepted", "{connection}", "Connections of the data plane that have proved who they are.");

    private static readonly Counter<long> AllRefused =
        Meter.CreateCounter<long>("moe.data.connections.refused", "{connection}", "Connections to a data server that were refused, by reason.");

    private static readonly Counter<long> AllLost =
        Meter.CreateCounter<long>("moe.data.peers.lost", "{rank}", "Ranks that fell silent or whose connection was closed.");

    private static readonly FrozenDictionary<ConnectionRefusal, string> Names =
        Enum.GetValues<ConnectionRefusal>().ToFrozenDictionary(reason => reason, reason => reason.ToString());

    private readonly long[] _refused = new long[Names.Count];
    private long _accepted;
    private long _lost;

    internal TcpCounters() { }

    /// <summary>Connections that have proved who they are.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Ranks that fell silent or whose connection was closed, once for every communicator that noticed.</summary>
    public long PeersLost => Interlocked.Read(ref _lost);

    /// <summary>Connections that were refused for a reason.</summary>
    public long Refused(ConnectionRefusal reason) => Interlocked.Read(ref _refused[(int)reason]);

    internal void Accept()
    {
        Interlocked.Increment(ref _accepted);
        AllAccepted.Add(1);
    }

    internal void Lose()
    {
        Interlocked.Increment(ref _lost);
        AllLost.Add(1);
    }

    internal void Refuse(ConnectionRefusal reason)
    {
        Interlocked.Increment(ref _refused[(int)reason]);
        AllRefused.Add(1, new KeyValuePair<string, object?>("reason", Names[reason]));
    }
}
