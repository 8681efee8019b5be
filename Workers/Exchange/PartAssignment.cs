using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Which worker computes which part, where a part is all that one source has for one expert in a round. Every worker computes the same answer from the same
/// counts; nothing is allocated.
/// </summary>
internal abstract class PartAssignment
{
    /// <summary>The server of a part without rows.</summary>
    public const int None = TransientAssignment.None;

    /// <summary>Assigns the parts of a round.</summary>
    /// <param name="counts">[sources × experts] rows.</param>
    /// <param name="servers">[experts × sources] filled with ranks, or <see cref="None"/>.</param>
    public abstract void Assign(ReadOnlySpan<int> counts, Span<int> servers);
}

/// <summary>Parts go to where the expert is; to one of its replicas (<see cref="MicroBatchQuotas"/>) if it has several.</summary>
/// <param name="placement">Where the experts are.</param>
internal sealed class PartsAtReplicas(LayerPlacement placement) : PartAssignment
{
    private readonly MicroBatchAssignment _assignment = new(placement, placement.Workers);
    private readonly long[] _parts = new long[placement.Experts * placement.Workers];

    public override void Assign(ReadOnlySpan<int> counts, Span<int> servers)
    {
        int workers = placement.Workers;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            for (int source = 0; source < workers; source++)
            {
                _parts[expert * workers + source] = counts[source * placement.Experts + expert];
            }
        }

        ReadOnlySpan<int> replicas = _assignment.Assign(_parts);
        for (int part = 0; part < _parts.Length; part++)
        {
            servers[part] = _parts[part] == 0 ? None : placement.RanksOf(part / workers)[replicas[part]];
        }
    }
}

/// <summary>Parts go to where the expert is, and where a worker has too many of them, to workers that get a copy of the expert for the pass.</summary>
/// <param name="placement">Where the experts are.</param>
/// <param name="costs">What copies cost and save.</param>
internal sealed class PartsAtCopies(LayerPlacement placement, CopyCoefficients costs) : PartAssignment
{
    private readonly TransientAssignment _assignment = new(placement, costs);

    /// <summary>What copies cost and save.</summary>
    public CopyCoefficients Costs => costs;

    public override void Assign(ReadOnlySpan<int> counts, Span<int> servers) => _assignment.Assign(counts).CopyTo(servers);
}

/// <summary>Every part is computed at its source, whoever holds the expert: rows stay, weights travel (r = 0 in Tutel, arXiv 2206.03382, §3.1).</summary>
/// <param name="placement">Where the experts are.</param>
internal sealed class PartsAtSources(LayerPlacement placement) : PartAssignment
{
    public override void Assign(ReadOnlySpan<int> counts, Span<int> servers)
    {
        for (int part = 0; part < servers.Length; part++)
        {
            int source = part % placement.Workers;
            servers[part] = counts[source * placement.Experts + part / placement.Workers] == 0 ? None : source;
        }
    }
}
