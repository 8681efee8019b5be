using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Exchange;
using MoEActors.Workers.Host;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Shards;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Support;

/// <summary>Placements to wish for.</summary>
internal static class Placements
{
    /// <summary>One replica of every expert.</summary>
    /// <param name="ranks">By layer and expert: its rank.</param>
    public static int[][][] Singles(IEnumerable<IEnumerable<int>> ranks) => [.. ranks.Select(layer => layer.Select(rank => new[] { rank }).ToArray())];
}
