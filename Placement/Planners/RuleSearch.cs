using System.Collections.Immutable;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Planners;

/// <summary>
/// Finds the change with the best balance ratio under a quota rule, by evaluating the rule itself: whole micro-batches cannot be split like single
/// tokens, so what is balanced for <see cref="ChangeSearch"/> may not be. Few changes are tried, as the rule costs far more than water-filling.
/// </summary>
/// <param name="views">What the next step may look like, the newest step first.</param>
/// <param name="rule">The rule.</param>
/// <param name="resting">Experts that must stay as they are.</param>
internal sealed class RuleSearch((long[] Tokens, double Weight)[] views, IQuotaRule rule, ImmutableHashSet<int> resting)
{
    /// <summary>Experts of the busiest worker and idlest workers tried for one change.</summary>
    private const int Candidates = 6, Takers = 3;

    /// <summary>Changes that are tried on all views.</summary>
    private const int Finalists = 4;

    /// <summary>Weighted mean of the views' balance ratio.</summary>
    public double Ratio(LayerPlacement placement)
    {
        double sum = 0, weights = 0;
        foreach ((long[] tokens, double weight) in views)
        {
            sum += weight * rule.Split(placement, tokens).BalanceRatio;
            weights += weight;
        }

        return sum / weights;
    }

    /// <summary>Makes the change with the lowest ratio and price of its moves, if that is below the ratio without it.</summary>
    /// <param name="draft">The placement that is changed.</param>
    /// <param name="ratio">Its ratio before, and after.</param>
    /// <param name="gainPerMove">Price of a move.</param>
    /// <returns>Whether there was such a change.</returns>
    public bool Improve(PlacementDraft draft, ref double ratio, double gainPerMove)
    {
        SlotChange[] promising =
        [
            .. Changes(draft).Select(change => (change, After(draft, change, Newest) + (change.Moves * gainPerMove)))
                .OrderBy(trial => trial.Item2).Take(Finalists).Select(trial => trial.change),
        ];
        (double Worth, double Ratio, SlotChange? Change) best = (ratio, ratio, null);
        foreach (SlotChange change in promising)
        {
            double after = After(draft, change, Ratio), worth = after + (change.Moves * gainPerMove);
            best = worth < best.Worth ? (worth, after, change) : best;
        }

        if (best.Change is { } found)
        {
            draft.Make(found);
        }

        ratio = best.Ratio;
        return best.Change is not null;
    }

    private double Newest(LayerPlacement placement) => rule.Split(placement, views[0].Tokens).BalanceRatio;

    /// <summary>The heaviest quotas of the busiest worker, each to the idlest workers: into a free slot, in place of a replica, in exchange.</summary>
    private List<SlotChange> Changes(PlacementDraft draft)
    {
        LayerQuotas quotas = rule.Split(draft.ToPlacement(), views[0].Tokens);
        long[] loads = quotas.WorkerTokens.ToArray();
        int giver = Array.IndexOf(loads, loads.Max());
        int[] takers = [.. Enumerable.Range(0, loads.Length).Where(rank => rank != giver).OrderBy(rank => loads[rank]).Take(Takers)];
        (int first, int end) = draft.SlotsOn(giver);
        IEnumerable<int> heavy = Enumerable.Range(first, end - first).Where(slot => draft.ExpertIn(slot) >= 0 && !resting.Contains(draft.ExpertIn(slot)))
            .OrderByDescending(slot => Quota(draft, quotas, slot)).Take(Candidates);
        List<SlotChange> changes = [];
        foreach (int left in heavy)
        {
            int expert = draft.ExpertIn(left);
            foreach (int taker in takers.Where(taker => !draft.Holds(expert, taker)))
            {
                AddTo(changes, draft, quotas, expert, left, taker, (loads[giver] - loads[taker]) / 2);
            }
        }

        return changes;
    }

    private void AddTo(List<SlotChange> changes, PlacementDraft draft, LayerQuotas quotas, int expert, int left, int taker, long ideal)
    {
        (long Quota, int Slot) least = (long.MaxValue, -1), nearest = least;
        (int slot, int end) = draft.SlotsOn(taker);
        for (; slot < end; slot++)
        {
            int occupant = draft.ExpertIn(slot);
            if (occupant >= 0 && resting.Contains(occupant))
            {
                continue;
            }

            long quota = occupant < 0 ? -1 : Quota(draft, quotas, slot);
            if ((occupant < 0 || draft.ReplicasOf(occupant) > 1) && quota < least.Quota)
            {
                least = (quota, slot);
            }

            long misfit = Math.Abs(Quota(draft, quotas, left) - quota - ideal);
            if (occupant >= 0 && !draft.Holds(occupant, draft.RankOf(left)) && misfit < nearest.Quota)
            {
                nearest = (misfit, slot);
            }
        }

        if (least.Slot >= 0)
        {
            changes.Add(new SlotChange(expert, least.Slot));
        }

        if (nearest.Slot >= 0)
        {
            changes.Add(new SlotChange(expert, nearest.Slot, left));
        }
    }

    private static double After(PlacementDraft draft, SlotChange change, Func<LayerPlacement, double> ratio)
    {
        (int Displaced, int Yielding) before = draft.Make(change);
        double after = ratio(draft.ToPlacement());
        draft.Undo(change, before);
        return after;
    }

    private static long Quota(PlacementDraft draft, LayerQuotas quotas, int slot)
    {
        int expert = draft.ExpertIn(slot);
        return quotas.Of(expert)[quotas.Placement.RanksOf(expert).BinarySearch(draft.RankOf(slot))];
    }
}
