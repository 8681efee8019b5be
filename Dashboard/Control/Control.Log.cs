using Microsoft.Extensions.Logging;

namespace MoEActors.Dashboard.Control;

/// <summary>What is logged of those who change something by the dashboard. Event ids from 440 on; they are append-only.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(440, LogLevel.Information, "{By} at {Address}, by the dashboard: {Done}")]
    public static partial void Done(ILogger log, string by, string address, string done);

    [LoggerMessage(441, LogLevel.Warning, "{By} at {Address}, by the dashboard: {What} is refused: {Reason}")]
    public static partial void Refused(ILogger log, string by, string address, string what, string reason);

    [LoggerMessage(442, LogLevel.Warning, "Somebody at {Address} has asked the dashboard for a change with a wrong token.")]
    public static partial void WrongToken(ILogger log, string address);

    [LoggerMessage(443, LogLevel.Warning, "A page of another site has asked the dashboard for a change, from {Address}.")]
    public static partial void CrossSite(ILogger log, string address);
}
