using MoEActors.Cli.Runs;
using MoEActors.Client.History;

namespace MoEActors.Cli.Plots;

/// <summary>What is drawn of a run: a long one in a few hundred points, each the mean of neighbouring steps.</summary>
/// <param name="Name">Name of the run.</param>
/// <param name="Steps">Its steps, several to a row.</param>
/// <param name="Evaluations">Losses on text that is not trained on.</param>
/// <param name="Loads">What the experts took.</param>
/// <param name="Resumes">Steps after which the run was stopped and went on.</param>
/// <param name="Moves">Steps after which experts were elsewhere.</param>
internal sealed record RunCurves(
    string Name, IReadOnlyList<SummaryRow> Steps, IReadOnlyList<SummaryEvaluation> Evaluations, IReadOnlyList<LoadPoint> Loads, IReadOnlyList<long> Resumes, IReadOnlyList<long> Moves)
{
    /// <summary>About as many as a picture has columns.</summary>
    private const int MostPoints = 400;

    /// <summary>Reads a run's history.</summary>
    /// <param name="name">Name of the run.</param>
    /// <param name="history">Its events.</param>
    public static RunCurves Of(string name, IEnumerable<RunEvent> history)
    {
        List<StepFigures> steps = [];
        List<SummaryEvaluation> evaluations = [];
        List<LoadPoint> loads = [];
        List<long> resumes = [], moves = [];
        foreach (RunEvent happened in history)
        {
            switch (happened)
            {
                case StepEvent step:
                    steps.Add(StepFigures.Of(step));
                    break;
                case EvaluationEvent evaluation:
                    evaluations.Add(new SummaryEvaluation(evaluation.Step, evaluation.Loss, evaluation.Tokens));
                    break;
                case LoadEvent load:
                    loads.Add(LoadPoint.Of(load));
                    break;
                case ResumeEvent:
                    resumes.Add(happened.Step);
                    break;
                case PlacementEvent:
                    moves.Add(happened.Step);
                    break;
            }
        }

        return new RunCurves(name, SummaryRow.Rows(steps, MostPoints), evaluations, Thinned(loads), resumes, moves);
    }

    private static LoadPoint[] Thinned(List<LoadPoint> loads) =>
        loads.Count <= MostPoints ? [.. loads] : [.. Enumerable.Range(1, MostPoints).Select(point => loads[(int)((long)loads.Count * point / MostPoints) - 1])];
}

/// <summary>How the experts shared the tokens of some steps.</summary>
/// <param name="Step">The last of the steps.</param>
/// <param name="Busiest">Tokens of the busiest expert of any layer, in multiples of its layer's mean.</param>
/// <param name="Quartiles">The loads below which a quarter, half and three quarters of all experts are.</param>
/// <param name="Dead">Experts that no token has chosen.</param>
internal sealed record LoadPoint(long Step, double Busiest, (double First, double Median, double Third) Quartiles, int Dead)
{
    /// <summary>Sums an event up.</summary>
    public static LoadPoint Of(LoadEvent load)
    {
        double[] all = [.. Enumerable.Range(0, load.Tokens.Count).SelectMany(load.LoadsOf).Order()];
        return all.Length == 0
            ? new LoadPoint(load.Step, double.NaN, (double.NaN, double.NaN, double.NaN), load.DeadExperts.Sum())
            : new LoadPoint(load.Step, all[^1], (all[all.Length / 4], all[all.Length / 2], all[all.Length * 3 / 4]), load.DeadExperts.Sum());
    }
}
