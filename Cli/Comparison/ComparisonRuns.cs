using System.Text.Json;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client.History;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Comparison;

/// <summary>The runs of a comparison, in a folder: MODEL-seed-N for each, with the result in it. What is done is not done again.</summary>
/// <param name="folder">The folder.</param>
/// <param name="plan">What is compared.</param>
/// <param name="text">What all learn from.</param>
/// <param name="silos">Silos to train on.</param>
/// <param name="prompt">What a sample of what a model writes begins with.</param>
internal sealed class ComparisonRuns(string folder, ComparisonPlan plan, TextSource text, int silos, string prompt)
{
    private const string PlanName = "compare.json", ResultName = "result.json";

    /// <summary>Points of a curve, as far as steps allow.</summary>
    private const int Points = 10;

    /// <summary>Tokens that a loss is measured on: the same for all, so that differences need fewer than losses do.</summary>
    private const int MeasuredTokens = 1 << 15;

    /// <summary>Takes the folder for the plan: a new one, or the one that it began in.</summary>
    /// <exception cref="UsageException">The folder has another comparison.</exception>
    public void Begin()
    {
        string file = Path.Combine(folder, PlanName);
        string now = JsonSerializer.Serialize(plan, SnakeCase.Indented);
        if (File.Exists(file))
        {
            UsageException.ThrowUnless(
                RegularFile.ReadText(file) == now,
                $"{folder} holds a comparison of other models, seeds, steps or text, or on another device or number of silos: what is done there does not compare with this. Choose another name with --name, or delete the folder.");
            return;
        }

        Directory.CreateDirectory(folder);
        AtomicFile.Write(file, now);
    }

    /// <summary>Trains what is not done, seed by seed, so that what there is when it is stopped compares.</summary>
    /// <exception cref="StoppedException">Cancelled; what is done is kept.</exception>
    public async Task<ComparedRun[][]> TrainAsync(CommandOutput output, CancellationToken cancellation)
    {
        var done = new ComparedRun[plan.Models.Count][];
        for (int model = 0; model < done.Length; model++)
        {
            done[model] = new ComparedRun[plan.Seeds];
        }

        for (int seed = 1; seed <= plan.Seeds; seed++)
        {
            foreach ((int index, ComparedModel model) in plan.Models.Index())
            {
                var run = RunFolder.At(Path.Combine(folder, $"{model.Name}-seed-{seed}"));
                TrainingResult result = Result(run) ?? await TrainAsync(run, model, seed, output, cancellation);
                output.Error.WriteLine($"{model.Name}, seed {seed}: {Wording.Loss(result.ValidationLoss)} after {Wording.Count(result.Steps, "step")}.");
                done[index][seed - 1] = new ComparedRun(seed, result, [.. run.ReadHistory().OfType<EvaluationEvent>().Select(one => new LossPoint(one.Step, one.Loss))]);
            }
        }

        return done;
    }

    private static TrainingResult? Result(RunFolder run)
    {
        string file = Path.Combine(run.Path, ResultName);
        return File.Exists(file) ? JsonSerializer.Deserialize<TrainingResult>(RegularFile.ReadText(file), SnakeCase.Indented) : null;
    }

    private async Task<TrainingResult> TrainAsync(RunFolder run, ComparedModel model, int seed, CommandOutput output, CancellationToken cancellation)
    {
        int every = Math.Max(1, model.Steps / Points);
        var job = new TrainingJob
        {
            Name = run.Name,
            Text = text,
            Run = model.Configuration(seed),
            ScheduleIsSet = true,
            Sequences = model.Batch,
            Silos = silos,
            Device = plan.Device,
            Steps = model.Steps,
            Time = TimeSpan.MaxValue,
            Seed = seed,
            SaveEvery = every,
            EvalEvery = every,
            Folder = run,
            Prompt = prompt,
            MeasuredTokens = MeasuredTokens,
            Resume = PointOf(run, model.Steps),
        };
        try
        {
            TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
            AtomicFile.Write(Path.Combine(run.Path, ResultName), JsonSerializer.Serialize(result, SnakeCase.Indented));
            return result;
        }
        catch (StoppedException)
        {
            throw new StoppedException($"stopped in the run {run.Name}; what is done is kept in {folder}, and the same command again goes on.", cancellation);
        }
    }

    /// <summary>Where a run that was cut off goes on; null where it begins anew, as one does that lacks its report alone.</summary>
    private static ResumePoint? PointOf(RunFolder run, int steps) =>
        run.ReadRunFile() is { } record && run.CheckpointStep() is { } step && step < steps && CheckpointFolder.Open(run.Checkpoint).Cursor == record.Id
            ? new ResumePoint(record.Id, step)
            : null;
}

/// <summary>A run of a comparison that is done.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Result">What it came to.</param>
/// <param name="Curve">Its losses on text never trained on.</param>
internal sealed record ComparedRun(int Seed, TrainingResult Result, IReadOnlyList<LossPoint> Curve);
