using System.Text.Json;

namespace MoEActors.Cli.Comparison;

/// <summary>One of the configurations that are compared.</summary>
/// <param name="Name">Name of its file, without the ending.</param>
/// <param name="Run">Model and optimizer; the schedule is as long as the run.</param>
/// <param name="Batch">Sequences per step.</param>
/// <param name="Steps">Steps of each of its runs: as many as make its compute that of the first.</param>
internal sealed record ComparedModel(string Name, JsonElement Run, int Batch, int Steps)
{
    /// <summary>The configuration as it is trained.</summary>
    /// <param name="seed">Seed of its initial values and of its batches.</param>
    public RunConfiguration Configuration(long seed)
    {
        var run = RunConfiguration.Parse(Run.GetRawText());
        return run with { Model = run.Model with { Seed = (ulong)seed } };
    }

    /// <summary>Floating-point operations of a step.</summary>
    public double OperationsPerStep => OperationsOf(RunConfiguration.Parse(Run.GetRawText()), Batch);

    /// <summary>Makes configurations comparable: the same compute, to within half a step.</summary>
    /// <param name="named">Names and configurations, the first being what the others are compared with.</param>
    /// <param name="steps">Steps of the first.</param>
    public static ComparedModel[] AtEqualCompute(IReadOnlyList<(string Name, RunConfiguration Run, int Batch)> named, int steps)
    {
        double compute = steps * OperationsOf(named[0].Run, named[0].Batch);
        return
        [
            .. named.Select(one =>
            {
                int own = (int)Math.Clamp(Math.Round(compute / OperationsOf(one.Run, one.Batch)), 1, int.MaxValue);
                RunConfiguration run = one.Run with { Optimizer = one.Run.Optimizer.OfSteps(own) };
                return new ComparedModel(one.Name, JsonSerializer.Deserialize<JsonElement>(run.ToJson()), one.Batch, own);
            }),
        ];
    }

    private static double OperationsOf(RunConfiguration run, int batch) =>
        ModelOperations.PerTrainedToken(run.Model, run.Model.MaximumSequence) * batch * run.Model.MaximumSequence;
}

/// <summary>What is compared: the file compare.json of its folder. The same command again goes on with the same plan, and with no other.</summary>
/// <param name="Models">The configurations; the others are compared with the first.</param>
/// <param name="Seeds">Number of seeds, from 1 on; each model has a run of each.</param>
/// <param name="TextHash">SHA-256 of the text that all learn from.</param>
/// <param name="Device">What they compute on.</param>
/// <param name="Silos">Silos that they are trained on; null where results do not depend on it.</param>
internal sealed record ComparisonPlan(IReadOnlyList<ComparedModel> Models, int Seeds, string TextHash, string Device, int? Silos)
{
    /// <summary>A plan for silos, whose number is a part of it if a run is not reproducible.</summary>
    public static ComparisonPlan Of(IReadOnlyList<ComparedModel> models, int seeds, string textHash, string device, int silos) =>
        new(models, seeds, textHash, device, models.All(model => model.Configuration(seed: 1).Reproducible) ? null : silos);
}
