using System.Globalization;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Runs;

/// <summary>Where a run's experts were when its checkpoint was written: a run that goes on begins with what its director had come to.</summary>
/// <param name="Silos">Name of each rank's silo.</param>
/// <param name="Layers">By layer: the ranks of its experts, with commas between replicas and spaces between experts, as in "0 0,1 1"; empty for a dense one.</param>
internal sealed record RunPlacement(IReadOnlyList<string> Silos, IReadOnlyList<string> Layers)
{
    /// <summary>The placement of a model; null when no view of it is open.</summary>
    public static RunPlacement? Of(TrainingStatus status) => status.Map is not { } map
        ? null
        : new RunPlacement(status.SiloNames, [.. map.Ranks().Select(layer => string.Join(' ', layer.Select(ranks => string.Join(',', ranks))))]);

    /// <summary>Whether it is of exactly these silos.</summary>
    public bool IsOn(IEnumerable<string> silos) => silos.ToHashSet(StringComparer.Ordinal).SetEquals(Silos);

    /// <summary>The same placement, to ask a cluster for.</summary>
    /// <exception cref="FormatException">It is no placement.</exception>
    /// <exception cref="OverflowException">It is no placement.</exception>
    public PlacementRequest ToRequest() => new()
    {
        Silos = [.. Silos.Distinct(StringComparer.Ordinal)],
        Ranks =
        [
            .. Layers.Select(layer => layer.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(expert => expert.Split(',').Select(rank => int.Parse(rank, NumberStyles.None, CultureInfo.InvariantCulture)).ToArray()).ToArray()),
        ],
    };

    /// <summary>Whether it is the same placement; lists are no values by themselves.</summary>
    public bool Equals(RunPlacement? other) => other is not null && Silos.SequenceEqual(other.Silos) && Layers.SequenceEqual(other.Layers);

    public override int GetHashCode() => HashCode.Combine(Silos.Count, Layers.Count);
}
