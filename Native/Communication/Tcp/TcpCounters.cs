using System.Diagnostics.Metrics;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>What a data server has done, as figures that only rise.</summary>
public sealed class TcpCounters
{
    private static readonly Meter Meter = new("MoEActors");

    private static readonly Counter<long> AllAccepted =
        Meter.CreateCounter<long>("moe.data.connections.accepted", "{connection}", "Connections of the data plane that have proved who they are.");

    private static readonly Counter<long> AllLost =
        Meter.CreateCounter<long>("moe.data.peers.lost", "{rank}", "Ranks that fell silent or whose connection was closed.");

    private long _accepted;
    private long _lost;

    internal TcpCounters() { }

    /// <summary>Connections that have proved who they are.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Ranks that fell silent or whose connection was closed, once for every communicator that noticed.</summary>
    public long PeersLost => Interlocked.Read(ref _lost);

    /// <summary>Connections that were refused.</summary>
    public ConnectionRefusals Refused { get; } = new("data");

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
}
