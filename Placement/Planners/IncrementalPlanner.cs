using System.Collections.Immutable;
using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Planners;

/// <summary>
/// The best balance for the fewest moves. It starts from the current placement and changes one slot at a time: a hot expert gets a replica in a
/// free slot, or in place of a superfluous replica, or of a cold expert that moves to another worker with room, or it changes places with a
/// cooler expert. Each change is judged by the excess load that remains after live quotas in each view of the next step (<see cref="LoadOutlook"/>),
/// not on their mean, so that a placement that tolerates fluctuations wins. Of the sequence of changes it keeps the beginning with the best gain net of its moves.
/// <para>
/// O(changes · candidates · steps · neighbours · replicas) for a layer, and bounded by <see cref="Effort"/>. Ours; the changes are
/// those of FlexMoE (arXiv 2304.03946); that a chain of shared replicas absorbs fluctuations is the "long chain" of Jordan and Graves,
/// "Principles on the benefits of manufacturing process flexibility" (Management Science 41, 1995).
/// </para>
/// </summary>
public sealed class IncrementalPlanner : IPlanner
{
    /// <summary>Least part of the excess load that a change must remove, times the slots of the layer.</summary>
    private const double LeastProgress = 0.4;

    /// <summary>Balance ratio that no move is made for.</summary>
    private const double BalancedEnough = 1.004;

    /// <summary>Further changes in one plan that are chosen by the quota rule itself, where it does not split by tokens.</summary>
    private const int Refinements = 2;

    /// <summary>Replicas whose quotas may be computed for a layer's plan: bounds its time, at some nanoseconds each.</summary>
    public int Effort { get; init; } = 50_000;

    /// <summary>
    /// Gain in balance ratio that justifies as many moves as the layer has slots; a single move must gain its part of it. Larger
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
