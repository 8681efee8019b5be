using System.Diagnostics;
using MoEActors.Benchmarks;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Progress;
using MoEActors.Client;
using MoEActors.Client.Data;

namespace MoEActors.Cli.Training;

/// <summary>
/// How many steps fit into a time on this machine. The learning rate follows from the step number, so the length of the schedule must be
/// known before the first step: a throw-away cluster runs a few and is timed.
/// </summary>
internal static class ScheduleLength
{
    /// <summary>Steps that compile the code and warm the arenas.</summary>
    private const int WarmupSteps = 6;

    private const int MeasuredSteps = 8;

    /// <summary>A shorter schedule learns too little to show.</summary>
    private const int LeastSteps = 50;

    /// <summary>Measures and decides.</summary>
    public static async Task<int> MeasureAsync(TrainingJob job, CommandOutput output, CancellationToken cancellation)
    {
        output.Error.WriteLine($"Measuring how many steps fit into {job.Time.TotalSeconds:0} s ...");
        using var progress = CountProgress.On(output, "step", WarmupSteps + MeasuredSteps);
        await using CommandCluster cluster = await CommandCluster.OpenAsync(job.Connect, job.Silos, output.Error, cancellation);
        double seconds = await cluster.WithModelAsync(
            job.ModelName,
            name => cluster.Client.CreateModelAsync(name, job.Run, cancellationToken: cancellation),
            model => SecondsOfStepAsync(job, model, progress, cancellation));
        int fits = (int)Math.Min(job.MostSteps ?? int.MaxValue, job.Time.TotalSeconds / seconds);
        return Math.Max(LeastSteps, fits);
    }

    private static async Task<double> SecondsOfStepAsync(TrainingJob job, MoEModel model, CountProgress? progress, CancellationToken cancellation)
    {
        TrainingWindows windows = job.Text.Corpus.TrainingWindows(job.Seed, job.Run.Model.MaximumSequence);
        double[] seconds = new double[MeasuredSteps];
        for (int step = 1; step <= WarmupSteps + MeasuredSteps; step++)
        {
            long started = Stopwatch.GetTimestamp();
            await model.TrainStepAsync(ByteBatches.OfStep(windows, step, job.Run.MicroBatches, job.Sequences), cancellation);
            if (step > WarmupSteps)
            {
                seconds[step - WarmupSteps - 1] = Stopwatch.GetElapsedTime(started).TotalSeconds;
            }

            progress?.Report("measuring", step);
        }

        return Samples.Median(seconds);
    }
}
