using Microsoft.Extensions.Logging;

namespace MoEActors.Cli.Silos;

/// <summary>What the process of a silo logs of its life. Event ids from 420 on; they are append-only.</summary>
internal static partial class SiloLog
{
    [LoggerMessage(
        420, LogLevel.Information, "Silo {Name} is active in cluster {Cluster}: silos reach it at {Address}, clients at port {GatewayPort}; its health is at port {HealthPort}.")]
    public static partial void Active(ILogger log, string name, string cluster, string address, int gatewayPort, int healthPort);

    [LoggerMessage(421, LogLevel.Information, "Silo {Name} leaves its cluster: {Cause}.")]
    public static partial void Leaving(ILogger log, string name, string cause);

    [LoggerMessage(422, LogLevel.Information, "Silo {Name} has left its cluster.")]
    public static partial void Left(ILogger log, string name);

    [LoggerMessage(423, LogLevel.Warning, "Silo {Name} did not finish within {Seconds} s what it was doing, and ends all the same.")]
    public static partial void LeftInHaste(ILogger log, string name, double seconds);

    [LoggerMessage(424, LogLevel.Information, "Silo {Name} serves the {Address}.")]
    public static partial void Dashboard(ILogger log, string name, string address);

    [LoggerMessage(425, LogLevel.Warning, "Silo {Name}: {Reason}")]
    public static partial void NoDashboard(ILogger log, string name, string reason);

    [LoggerMessage(426, LogLevel.Warning, "Silo {Name}: {Reason}")]
    public static partial void NotExported(ILogger log, string name, string reason);
}
