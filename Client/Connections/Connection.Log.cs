using Microsoft.Extensions.Logging;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Client.Connections;

/// <summary>What a silo or a client logs of its connections. Event ids from 400 on; they are append-only.</summary>
internal static partial class ConnectionLog
{
    [LoggerMessage(400, LogLevel.Warning, "Refused a connection from {Remote} ({Reason}): {Words}.")]
    public static partial void Refused(ILogger log, string remote, ConnectionRefusal reason, string words);

    [LoggerMessage(401, LogLevel.Warning, "A connection to {Remote} is not used ({Reason}): {Words}.")]
    public static partial void NotUsed(ILogger log, string remote, ConnectionRefusal reason, string words);
}
