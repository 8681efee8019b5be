using MoEActors.Benchmarks;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Comparison;

/// <summary>What a comparison came to: what `moe compare --json` prints.</summary>
/// <param name="Seeds">Runs of each model, with one seed each.</param>
/// <param name="Models">The models; the others are compared with the first.</param>
internal sealed record ComparisonReport(int Seeds, IReadOnlyList<ModelResult> Models)
{
    private static readonly (double Size, string Name)[] Units = [(1e9, "GFLOP"), (1e12, "TFLOP"), (1e15, "PFLOP"), (1e18, "EFLOP")];

    /// <summary>The unit in which compute is shown: the smallest that keeps numbers below a thousand.</summary>
    public (double Size, string Name) Unit()
    {
        double most = Models.Max(model => model.Operations);
        return Units.FirstOrDefault(one => most < 1000 * one.Size, Units[^1]);
    }

    /// <summary>Sums runs up.</summary>
    public static ComparisonReport Of(ComparisonPlan plan, ComparedRun[][] runs) => new(
        plan.Seeds, [.. plan.Models.Select((model, index) => ModelResult.Of(model, runs[index], index == 0 ? null : runs[0]))]);

    /// <summary>Prints the table.</summary>
    public void Print(TextWriter writer)
    {
        (double size, string unit) = Unit();
        int width = Math.Max(5, Models.Max(model => model.Name.Length));
        writer.WriteLine($"{"model".PadRight(width)}  {"parameters",13}  {"MFLOP/token",11}  {"steps",7}  {"tokens",12}  {unit,8}  {"loss",7}  difference, 95% interval");
        foreach (ModelResult model in Models)
        {
            string difference = model.Difference is { } found ? $"{found.Mean:+0.000;-0.000;0.000}  {found.Low:+0.000;-0.000;0.000} to {found.High:+0.000;-0.000;0.000}  {found.Verdict}" : "";
            writer.WriteLine(
                $"{model.Name.PadRight(width)}  {model.Parameters,13:N0}  {model.OperationsPerToken / 1e6,11:N2}  {model.Steps,7:N0}  {model.Tokens,12:N0}  {model.Operations / size,8:0.0}  {Wording.Nats(model.Loss),7}  {difference}".TrimEnd());
        }

        writer.WriteLine(
            $"Losses are those on text never trained on, nats per token, the mean of {Wording.Count(Seeds, "seed")}; differences are to {Models[0].Name}, of runs with the same seed and the same text.");
    }
}

/// <summary>What a model came to.</summary>
/// <param name="Name">Name of its file.</param>
/// <param name="Parameters">Number of parameters.</param>
/// <param name="OperationsPerToken">Floating-point operations of a token in training.</param>
/// <param name="Steps">Steps of a run.</param>
/// <param name="Tokens">Tokens of a run.</param>
/// <param name="Operations">Floating-point operations of a run.</param>
/// <param name="Loss">Mean over seeds of the loss on text never trained on, nats per token.</param>
/// <param name="Losses">By seed: that loss.</param>
/// <param name="Difference">To the first model; null for that itself.</param>
/// <param name="Curve">By step: the mean over seeds, the lowest and the highest of that loss.</param>
internal sealed record ModelResult(
    string Name, long Parameters, double OperationsPerToken, int Steps, long Tokens, double Operations, double Loss, IReadOnlyList<double> Losses, PairedDifference? Difference,
    IReadOnlyList<CurvePoint> Curve)
{
    /// <summary>Sums the runs of a model up.</summary>
    /// <param name="model">The model.</param>
    /// <param name="runs">Its runs, by seed.</param>
    /// <param name="first">The runs of the first model; null for that itself.</param>
    public static ModelResult Of(ComparedModel model, ComparedRun[] runs, ComparedRun[]? first)
    {
        RunConfiguration run = model.Configuration(seed: 1);
        double[] losses = [.. runs.Select(one => one.Result.ValidationLoss)];
        double perStep = model.OperationsPerStep;
        return new ModelResult(
            model.Name,
            ModelLayout.ParameterCount(run.Model),
            ModelOperations.PerTrainedToken(run.Model, run.Model.MaximumSequence),
            model.Steps,
            (long)model.Steps * model.Batch * run.Model.MaximumSequence,
            model.Steps * perStep,
            losses.Average(),
            losses,
            first is null ? null : PairedDifference.Of([.. losses.Zip(first, (loss, other) => loss - other.Result.ValidationLoss)]),
            [
                .. runs.SelectMany(one => one.Curve).GroupBy(point => point.Step).Where(group => group.Count() == runs.Length).OrderBy(group => group.Key)
                    .Select(group => new CurvePoint(group.Key, group.Key * perStep, group.Average(one => one.Loss), group.Min(one => one.Loss), group.Max(one => one.Loss))),
            ]);
    }
}

/// <summary>A point of a curve.</summary>
/// <param name="Step">The step.</param>
/// <param name="Operations">Floating-point operations until then.</param>
/// <param name="Loss">Mean over seeds.</param>
/// <param name="Lowest">The lowest of the seeds.</param>
/// <param name="Highest">The highest of the seeds.</param>
internal sealed record CurvePoint(long Step, double Operations, double Loss, double Lowest, double Highest);

/// <summary>By how much a model is above another, over runs in pairs of one seed.</summary>
/// <param name="Mean">The mean of the differences, nats per token: below 0 where the model is better.</param>
/// <param name="Low">Where the mean of all such pairs is not below, in 95 of 100 cases, if differences are about normal; null for a single pair.</param>
/// <param name="High">Where it is not above, likewise.</param>
internal sealed record PairedDifference(double Mean, double? Low, double? High)
{
    /// <summary>What the interval says.</summary>
    public string Verdict => Low is not { } low || High is not { } high ? "one pair tells nothing of chance" : high < 0 ? "lower" : low > 0 ? "higher" : "no difference seen";

    /// <summary>Sums pairs up.</summary>
    public static PairedDifference Of(double[] differences)
    {
        (double mean, double half) = Samples.MeanInterval(differences);
        return double.IsFinite(half) ? new PairedDifference(mean, mean - half, mean + half) : new PairedDifference(mean, null, null);
    }
}
