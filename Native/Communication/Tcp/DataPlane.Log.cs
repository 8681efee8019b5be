using System.Net;
using Microsoft.Extensions.Logging;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// What a data server logs. Strangers decide how much there would be of it: of each kind one event is logged at once, and then one in ten seconds that says how many
/// there were besides.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="time">The clock.</param>
internal sealed partial class DataPlaneLog(ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Logged, long Besides)> _kinds = [];

    /// <summary>A connection was refused.</summary>
    public void Refused(ConnectionRefusal reason, EndPoint? remote)
    {
        if (IsDue(reason.ToString()) is { } besides)
        {
            Refused(log, remote, reason, besides);
        }
    }

    /// <summary>A rank can be reached no more.</summary>
    /// <param name="communicator">The communicator that it belongs to.</param>
    /// <param name="what">Which rank, and what has become of it.</param>
    public void Lost(CommunicatorSpec communicator, string what)
    {
        if (IsDue(nameof(Lost)) is { } besides)
        {
            Lost(log, communicator, what, besides);
        }
    }

    // Event ids from 430 on; they are append-only.
    [LoggerMessage(430, LogLevel.Warning, "Refused a data connection from {Remote} ({Reason}); {Besides} more for this reason have not been told of.")]
    private static partial void Refused(ILogger log, EndPoint? remote, ConnectionRefusal reason, long besides);

    [LoggerMessage(431, LogLevel.Warning, "The {Communicator} has lost a rank: {What} {Besides} more that were lost have not been told of.")]
    private static partial void Lost(ILogger log, CommunicatorSpec communicator, string what, long besides);

    /// <summary>Whether an event of a kind is to be logged now, and how many were not since the last one.</summary>
    private long? IsDue(string kind)
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            if (_kinds.TryGetValue(kind, out (long Logged, long Besides) known) && time.GetElapsedTime(known.Logged, now) < Interval)
            {
                _kinds[kind] = known with { Besides = known.Besides + 1 };
                return null;
            }

            _kinds[kind] = (now, 0);
            return known.Besides;
        }
    }
}
