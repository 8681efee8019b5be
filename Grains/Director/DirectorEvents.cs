using Microsoft.Extensions.Logging;
using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Director;

/// <summary>What the director writes to the log of its silo.</summary>
internal static partial class DirectorEvents
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Director of model {Model}, decision {Number} after step {Step}: {Plan}")]
    public static partial void Decided(ILogger logger, string model, long number, long step, LayerPlan plan);

    [LoggerMessage(Level = LogLevel.Information, Message = "Director of model {Model}: decision {Number} is in force after step {Step}; {Shards} shards moved.")]
    public static partial void Applied(ILogger logger, string model, long number, long step, int shards);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Director of model {Model}: decision {Number} was abandoned after step {Step}: {Failure} The placement is as before.")]
    public static partial void Abandoned(ILogger logger, string model, long number, long step, string failure);
}
