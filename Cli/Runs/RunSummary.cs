using MoEActors.Client.History;

namespace MoEActors.Cli.Runs;

/// <summary>A run's history on one page.</summary>
/// <param name="Name">Name of the run.</param>
/// <param name="Began">When its first step that is told of was committed; null when there is none.</param>
/// <param name="Ended">When its last one was.</param>
/// <param name="Rows">Its steps in their order, several to a row.</param>
/// <param name="Best">The evaluation with the lowest loss; null when there is none.</param>
/// <param name="Evaluations">What was measured on text that is not trained on.</param>
/// <param name="Decisions">What the director did, with what was expected and what was measured.</param>
/// <param name="ExpertsMoved">Experts that came to other silos, one by one.</param>
/// <param name="Moves">Where each of them was, and is since.</param>
/// <param name="Resumes">When the run had ended or was stopped, and went on.</param>
/// <param name="Checkpoints">Checkpoints that were written.</param>
/// <param name="MissingLines">Lines of the history that are missing.</param>
internal sealed record RunSummary(
    string Name,
    DateTimeOffset? Began,
    DateTimeOffset? Ended,
    IReadOnlyList<SummaryRow> Rows,
    SummaryEvaluation? Best,
    IReadOnlyList<SummaryEvaluation> Evaluations,
    IReadOnlyList<DecisionReport> Decisions,
    int ExpertsMoved,
    IReadOnlyList<SummaryMove> Moves,
    IReadOnlyList<SummaryResume> Resumes,
    IReadOnlyList<SummaryCheckpoint> Checkpoints,
    long MissingLines)
{
    private const int MostRows = 15;

    /// <summary>Sums a history up.</summary>
    /// <param name="name">Name of the run.</param>
    /// <param name="history">Its events.</param>
    /// <param name="last">Only this many last steps, and what happened meanwhile; null for all.</param>
    public static RunSummary Of(string name, IEnumerable<RunEvent> history, int? last = null)
    {
        List<StepFigures> steps = [];
        List<RunEvent> others = [];
        foreach (RunEvent happened in history)
        {
            if (happened is StepEvent step)
            {
                steps.Add(StepFigures.Of(step));
            }
            else if (happened is not LoadEvent)
            {
                others.Add(happened);
            }
        }

        if (last is { } count && steps.Count > count)
        {
            steps.RemoveRange(0, steps.Count - count);
            others.RemoveAll(other => StepOf(other) < steps[0].Step);
        }

        SummaryEvaluation[] evaluations =
            [.. others.OfType<EvaluationEvent>().Select(one => new SummaryEvaluation(one.Step, one.Loss, one.Tokens))];
        return new RunSummary(
            name,
            steps.Count > 0 ? steps[0].Time : null,
            steps.Count > 0 ? steps[^1].Time : null,
            SummaryRow.Rows(steps, MostRows),
            evaluations.Where(one => !double.IsNaN(one.Loss)).MinBy(one => one.Loss),
            evaluations,
            [.. LastTold(others.OfType<DecisionEvent>()).Select(one => DecisionReport.Of(one.Decision, one.Silos))],
            others.OfType<PlacementEvent>().Sum(one => one.Experts.Count),
            [.. others.OfType<PlacementEvent>().SelectMany(one => one.Experts.Select(expert => new SummaryMove(one.Step, one.Time, expert.Layer, expert.Expert, expert.From, expert.To)))],
            [.. others.OfType<ResumeEvent>().Select(one => new SummaryResume(one.Step, one.Time, one.Silos))],
            [.. others.OfType<CheckpointEvent>().Select(one => new SummaryCheckpoint(one.Step, one.Place, one.Bytes))],
            others.OfType<GapEvent>().Sum(one => one.Lines));
    }

    /// <summary>The step that an event is shown with. A decision is told of again when its effect is known, which does not make it a later one.</summary>
    private static long StepOf(RunEvent happened) =>
        happened is DecisionEvent told ? DecisionReport.Of(told.Decision, told.Silos).At : happened.Step;

    /// <summary>Of each decision what was told of it last. (Histories of earlier versions number anew after a resume; the step tells those apart.)</summary>
    private static IEnumerable<DecisionEvent> LastTold(IEnumerable<DecisionEvent> decisions) =>
        decisions.GroupBy(one => (one.Decision.Number, one.Decision.Step)).Select(told => told.Last());
}

/// <summary>Steps that follow each other: means over them, tokens per second of all their time.</summary>
/// <param name="First">The first step.</param>
/// <param name="Last">The last step.</param>
/// <param name="Loss">Cross-entropy, nats per token.</param>
/// <param name="GradientNorm">Norm of the gradient before clipping.</param>
/// <param name="LearningRate">Learning rate of the last of them.</param>
/// <param name="TokensPerSecond">Predicted tokens per second.</param>
/// <param name="Balance">Tokens of the busiest worker over the mean, mean over the layers; null where it is not known.</param>
/// <param name="DroppedShare">Share of the choices of an expert that found no slot.</param>
internal sealed record SummaryRow(
    long First, long Last, double Loss, double GradientNorm, double LearningRate, double TokensPerSecond, double? Balance, double DroppedShare)
{
    /// <summary>Steps in their order, in so many rows at most.</summary>
    public static SummaryRow[] Rows(List<StepFigures> steps, int most)
    {
        int rows = Math.Min(most, steps.Count);
        return [.. Enumerable.Range(0, rows).Select(row => Of(
            steps.GetRange((int)((long)steps.Count * row / rows), (int)((long)steps.Count * (row + 1) / rows - (long)steps.Count * row / rows))))];
    }

    private static SummaryRow Of(List<StepFigures> steps) => new(
        steps[0].Step,
        steps[^1].Step,
        steps.Average(step => step.Loss),
        steps.Average(step => step.GradientNorm),
        steps[^1].LearningRate,
        steps.Sum(step => step.Tokens) / Math.Max(double.Epsilon, steps.Sum(step => step.Seconds)),
        steps.Average(step => step.Balance),
        (double)steps.Sum(step => step.Dropped) / Math.Max(1, steps.Sum(step => step.Chosen)));
}

/// <summary>What a summary needs of a step: a long run has many.</summary>
internal readonly record struct StepFigures(
    long Step, DateTimeOffset Time, double Loss, double GradientNorm, double LearningRate, long Tokens, double Seconds, double? Balance, long Chosen, long Dropped)
{
    public static StepFigures Of(StepEvent step) => new(
        step.Step, step.Time, step.CrossEntropy, step.GradientNorm, step.LearningRate, step.Tokens, step.Seconds,
        step.MeanBalance ?? (step.Balance.Count > 0 ? step.Balance.Average() : null), step.ChosenTokens, step.DroppedTokens);
}

/// <summary>A loss on text that is not trained on.</summary>
/// <param name="Step">The step.</param>
/// <param name="Loss">Nats per token.</param>
/// <param name="Tokens">Predicted tokens.</param>
internal sealed record SummaryEvaluation(long Step, double Loss, long Tokens);

/// <summary>An expert that is elsewhere since a step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Time">When it was noticed.</param>
/// <param name="Layer">Its layer.</param>
/// <param name="Expert">The expert.</param>
/// <param name="From">Silos that had it.</param>
/// <param name="To">Silos that have it.</param>
internal sealed record SummaryMove(long Step, DateTimeOffset Time, int Layer, int Expert, IReadOnlyList<string> From, IReadOnlyList<string> To)
{
    public override string ToString() => $"layer {Layer}, expert {Expert}: {string.Join(" and ", From)} to {string.Join(" and ", To)}";
}

/// <summary>The run had ended or was stopped after a step, and went on.</summary>
/// <param name="Step">The step.</param>
/// <param name="Time">When it went on.</param>
/// <param name="Silos">Silos that it went on with.</param>
internal sealed record SummaryResume(long Step, DateTimeOffset Time, int Silos);

/// <summary>A checkpoint that was written.</summary>
/// <param name="Step">Its step.</param>
/// <param name="Place">Its folder, seen from the run's.</param>
/// <param name="Bytes">Bytes of tensors.</param>
internal sealed record SummaryCheckpoint(long Step, string Place, long Bytes);
