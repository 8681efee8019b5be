using System.Collections.Immutable;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Planners;

/// <summary>
/// The best balance for the fewest moves. It starts from the current placement and changes one slot at a time: a hot expert gets a replica in a
/// free slot, or in place of a replica that is not missed, or of a cold expert that there is room for elsewhere, or it changes places with a
/// cooler expert. Each change is judged by the excess load that remains after live quotas in each view of the next step (<see cref="LoadOutlook"/>),
/// not on their mean, so that a placement with play wins. Of the sequence of changes it keeps the beginning whose gain is worth its moves.
/// <para>
/// O(changes · candidates · steps · neighbours · replicas) for a layer, and bounded by <see cref="Effort"/>. Ours; the changes are
/// those of FlexMoE (arXiv 2304.03946), the play between workers is the "long chain" of process flexibility (Jordan and Graves 1995).
/// </para>
/// </summary>
public sealed class IncrementalPlanner : IPlanner
{
    /// <summary>A change that lowers the excess by less than this part, divided by the slots of the layer, is none.</summary>
    private const double LeastProgress = 0.4;

    /// <summary>Balance ratio that no move is made for.</summary>
    private const double BalancedEnough = 1.004;

    /// <summary>Changes that the quota rule itself may ask for in one plan, where it does not split by tokens.</summary>
    private const int Refinements = 2;

    /// <summary>Replicas whose quotas may be computed for a layer's plan: bounds its time, at some nanoseconds each.</summary>
    public int Effort { get; init; } = 50_000;

    /// <summary>
    /// Balance ratio that it would be worth to move as many shards as the layer has slots; a single move must earn its part of it. Larger
    /// layers move more at once, as their workers send and receive side by side.
    /// </summary>
    public double GainPerRound { get; init; } = 0.04;

    /// <inheritdoc />
    public string Name => "incremental";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem)
    {
        (long[] Tokens, double Weight)[] views = LoadOutlook.Of(problem.Load, problem.Layer, problem.Slots.Sum());
        double gainPerMove = problem.MovePenalty * GainPerRound / problem.Slots.Sum();
        return problem.Quotas is TokenQuotas
            ? Search(problem, views, gainPerMove, null).Placement
            : Refine(problem, views, gainPerMove);
    }

    /// <summary>
    /// The best beginning of a sequence of changes, each of which balances the tokens better, and its balance ratio. Under token quotas the ratio
    /// is the one that was found; of another rule, which cannot split tokens as finely, it is asked for.
    /// </summary>
    private (LayerPlacement Placement, double Ratio) Search(
        LayerProblem problem, (long[] Tokens, double Weight)[] views, double gainPerMove, Func<LayerPlacement, double>? ask)
    {
        PlacementDraft draft = new(problem.Current, problem.Slots);
        ImmutableArray<BalancedLoad> steps = [.. views.Select(view => new BalancedLoad(draft, view.Weight, view.Tokens))];
        DraftTrial trial = new(draft, steps);
        ChangeSearch search = new(draft, steps, trial, problem.Resting);

        LayerPlacement best = problem.Current;
        double bestRatio = ask?.Invoke(best) ?? trial.Ratio, worth = bestRatio;
        int moves = 0;

        // Even perfect balance, a ratio of 1, must pay for one move more.
        while (worth > BalancedEnough && trial.Effort < Effort && 1 + ((moves + 1) * gainPerMove) < worth
            && search.Find(LeastProgress / problem.Slots.Sum()) is { } change)
        {
            trial.Commit(change);
            moves += change.Moves;
            double price = moves * gainPerMove;
            if (trial.Ratio + price < worth)
            {
                LayerPlacement placement = draft.ToPlacement();
                double ratio = ask?.Invoke(placement) ?? trial.Ratio;
                (worth, best, bestRatio) = ratio + price < worth ? (ratio + price, placement, ratio) : (worth, best, bestRatio);
            }
        }

        return (best, bestRatio);
    }

    /// <summary>Balances tokens, then makes the changes that bring more under the rule itself.</summary>
    private LayerPlacement Refine(LayerProblem problem, (long[] Tokens, double Weight)[] views, double gainPerMove)
    {
        RuleSearch search = new(views, problem.Quotas, problem.Resting);
        (LayerPlacement best, double ratio) = Search(problem, views, gainPerMove, search.Ratio);
        PlacementDraft draft = new(best, problem.Slots);
        for (int change = 0; change < Refinements && ratio > BalancedEnough && search.Improve(draft, ref ratio, gainPerMove); change++)
        {
            best = draft.ToPlacement();
        }

        return best;
    }
}
