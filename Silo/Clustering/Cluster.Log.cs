using Microsoft.Extensions.Logging;
using MoEActors.Client.Connections;

namespace MoEActors.Silo.Clustering;

/// <summary>What a silo logs of its cluster. Event ids from 410 on; they are append-only.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(410, LogLevel.Warning, "Redis at {Address}: {Warning}")]
    public static partial void RedisForgets(ILogger log, RedisAddress address, string warning);

    [LoggerMessage(411, LogLevel.Critical, "{Words} This silo ends.")]
    public static partial void ProcessPrivate(ILogger log, string words);

    [LoggerMessage(412, LogLevel.Warning, "Silos have come or gone, and models cannot be asked to come back now: {Cause} They are asked again.")]
    public static partial void NotAsked(ILogger log, string cause);
}
