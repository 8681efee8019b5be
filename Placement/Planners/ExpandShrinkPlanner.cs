using MoEActors.Placement.Map;

namespace MoEActors.Placement.Planners;

/// <summary>
/// Expands hot experts, shrinks cold ones, then migrates, each only where the cost model predicts less time for the mean load. Hot is the expert with the
/// most tokens per replica, cold the one with the fewest among those with more than one; migration brings replicas of one expert onto one host
/// by exchanging them with shards there. O(rounds · workers · quotas), rounds bounded by the slots. Source: FlexMoE (arXiv 2304.03946),
/// algorithms 1–2.
/// </summary>
public sealed class ExpandShrinkPlanner : IPlanner
{
    /// <summary>Balance ratio down to which experts are expanded and shrunk: FlexMoE's trigger.</summary>
    public double Trigger { get; init; } = 1.1;

    /// <inheritdoc />
    public string Name => "expand-shrink";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem)
    {
        double[] load = problem.Load.Mean(problem.Layer);
        long[] tokens = [.. load.Select(mean => (long)Math.Round(mean))];
        PlacementDraft draft = new(problem.Current, problem.Slots);
        LayerPlacement best = problem.Current;
        double cost = Seconds(best);
        for (int round = 0; round < draft.Slots && problem.Quotas.Split(best, tokens).BalanceRatio > Trigger && Improve(Expansions); round++)
        {
        }

        if (problem.Costs.Topology.Hosts > 1)
        {
            for (int round = 0; round < draft.Experts && Improve(Migrations); round++)
            {
            }
        }

        return best;

        double Seconds(LayerPlacement placement) => problem.Costs.LayerSeconds(problem.Quotas.Split(placement, tokens));

        bool Improve(Func<PlacementDraft, double[], LayerProblem, IEnumerable<SlotChange>> changes)
        {
            SlotChange? chosen = null;
            foreach (SlotChange change in changes(draft, load, problem).ToArray())
            {
                (int Displaced, int Yielding) before = draft.Make(change);
                LayerPlacement placement = draft.ToPlacement();
                draft.Undo(change, before);
                double seconds = Seconds(placement);
                if (seconds < cost)
                {
                    (cost, best, chosen) = (seconds, placement, change);
                }
            }

            if (chosen is { } made)
            {
                draft.Make(made);
            }

            return chosen is not null;
        }
    }

    /// <summary>The hottest expert into any free slot, or in place of a replica of the coldest.</summary>
    private static IEnumerable<SlotChange> Expansions(PlacementDraft draft, double[] load, LayerProblem problem)
    {
        int[] movable = [.. Enumerable.Range(0, draft.Experts).Where(expert => !problem.Resting.Contains(expert))];
        int hot = movable.DefaultIfEmpty(-1).MaxBy(expert => expert < 0 ? 0 : load[expert] / draft.ReplicasOf(expert));
        if (hot < 0)
        {
            yield break;
        }

        int cold = movable.Where(expert => expert != hot && draft.ReplicasOf(expert) > 1)
            .DefaultIfEmpty(-1).MinBy(expert => expert < 0 ? 0 : load[expert] / draft.ReplicasOf(expert));
        for (int rank = 0; rank < draft.Workers; rank++)
        {
            int slot = draft.Holds(hot, rank) ? -1 : draft.Find(-1, rank) is >= 0 and int free ? free : cold >= 0 ? draft.Find(cold, rank) : -1;
            if (slot >= 0)
            {
                yield return new SlotChange(hot, slot);
            }
        }
    }

    /// <summary>A replica away from its expert's home host changes places with a shard there.</summary>
    private static IEnumerable<SlotChange> Migrations(PlacementDraft draft, double[] load, LayerProblem problem)
    {
        var hostOf = problem.Costs.Topology.HostOf;
        for (int expert = 0; expert < draft.Experts; expert++)
        {
            int[] slots = draft.SlotsOf(expert).ToArray();
            int home = hostOf[slots.Min(draft.RankOf)];
            if (problem.Resting.Contains(expert))
            {
                continue;
            }

            foreach (int away in slots.Where(slot => hostOf[draft.RankOf(slot)] != home))
            {
                for (int slot = 0; slot < draft.Slots; slot++)
                {
                    int occupant = draft.ExpertIn(slot);
                    int rank = draft.RankOf(slot);
                    if (hostOf[rank] == home && occupant >= 0 && !problem.Resting.Contains(occupant)
                        && !draft.Holds(expert, rank) && !draft.Holds(occupant, draft.RankOf(away)))
                    {
                        yield return new SlotChange(expert, slot, away);
                    }
                }
            }
        }
    }
}
