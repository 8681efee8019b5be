using System.Collections.Immutable;

namespace MoEActors.Placement.Planners.Incremental;

/// <summary>
/// The best balance for the fewest moves. It starts from the current placement and changes one slot at a time: a hot expert gets a replica in a
/// free slot, or in place of a replica that is not missed, or changes places with a cooler expert. Each change is judged by the strain that
/// remains after live quotas on each of the recent steps, not on their mean, so that a placement with play for fluctuations wins. Of the
/// sequence of changes it keeps the beginning whose gain is worth its moves.
/// <para>
/// O(changes · candidates · steps · neighbours · replicas) for a layer, and never more than <see cref="Effort"/> pourings. Ours; the changes are
/// those of FlexMoE (arXiv 2304.03946), the play between workers is the "long chain" of process flexibility (Jordan and Graves 1995).
/// </para>
/// </summary>
public sealed class IncrementalPlanner : IPlanner
{
    /// <summary>Recent steps that a placement is judged by.</summary>
    private const int Steps = 4;

    /// <summary>How much a step weighs beside the one after it.</summary>
    private const double Fading = 0.6;

    /// <summary>A change that lowers the strain by less than this part is none.</summary>
    private const double LeastProgress = 1e-2;

    /// <summary>Pourings of one expert's tokens that a layer may take: bounds the time of a plan.</summary>
    public int Effort { get; init; } = 40_000;

    /// <summary>Balance ratio that one move must be worth.</summary>
    public double GainPerMove { get; init; } = 0.004;

    /// <inheritdoc />
    public string Name => "incremental";

    /// <inheritdoc />
    public LayerPlacement Plan(LayerProblem problem)
    {
        PlacementDraft draft = new(problem.Current, problem.Slots);
        ImmutableArray<LevelledLoad> steps =
            [.. problem.Load.Samples.Reverse().Take(Steps).Select((sample, age) => new LevelledLoad(draft, Math.Pow(Fading, age), sample.Tokens[problem.Layer]))];
        DraftTrial trial = new(draft, steps);
        ChangeSearch search = new(draft, steps, trial, problem.Resting);

        LayerPlacement best = problem.Current;
        double worth = trial.Ratio;
        int moves = 0;
        while (trial.Pours < Effort && search.Find(LeastProgress) is { } change)
        {
            trial.Commit(change);
            moves += change.Moves;
            double ratio = trial.Ratio + (moves * GainPerMove);
            if (ratio < worth)
            {
                (worth, best) = (ratio, draft.ToPlacement());
            }
        }

        return best;
    }
}
