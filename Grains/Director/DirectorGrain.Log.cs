using Microsoft.Extensions.Logging;
using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Director;

/// <summary>What the director writes to the log of its silo. Event ids from 200 on; they are append-only.</summary>
internal static partial class DirectorLog
{
    [LoggerMessage(200, LogLevel.Information, "Director of model {Model}, decision {Number} after step {Step}: {Plan}")]
    public static partial void Decided(ILogger logger, string model, long number, long step, LayerPlan plan);

    [LoggerMessage(201, LogLevel.Information, "Director of model {Model}: decision {Number} is in force after step {Step}; {Shards} shards moved.")]
    public static partial void Applied(ILogger logger, string model, long number, long step, int shards);

    [LoggerMessage(202, LogLevel.Warning, "Director of model {Model}: decision {Number} was abandoned after step {Step}: {Failure} The placement is as before.")]
    public static partial void Abandoned(ILogger logger, string model, long number, long step, string failure);
}
