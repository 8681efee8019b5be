namespace MoEActors.Tests.Support;

/// <summary>Placements to wish for.</summary>
internal static class Placements
{
    /// <summary>One replica of every expert.</summary>
    /// <param name="ranks">By layer and expert: its rank.</param>
    public static int[][][] Singles(IEnumerable<IEnumerable<int>> ranks) => [.. ranks.Select(layer => layer.Select(rank => new[] { rank }).ToArray())];
}
