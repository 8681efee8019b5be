using System.Diagnostics;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;
using MoEActors.Client;

namespace MoEActors.Cli.Training;

/// <summary>
/// How many steps fit into a time on this machine. The learning rate follows from the step number, so the length of the schedule must be
/// known before the first step: a model that is thrown away takes a few and is timed.
/// </summary>
internal static class ScheduleLength
{
    /// <summary>Steps that compile the code and warm the arenas.</summary>
    private const int WarmupSteps = 6;

    private const int MeasuredSteps = 8;

    /// <summary>A shorter schedule learns too little to show.</summary>
    private const int LeastSteps = 50;

    /// <summary>Measures and decides.</summary>
    public static async Task<int> MeasureAsync(TrainingJob job, MoECluster cluster, ITrainingView view, CancellationToken cancellation)
    {
        string phase = $"timing {WarmupSteps + MeasuredSteps} steps to choose how many fit into {job.Time.TotalSeconds:0} s";
        view.Enter("making a model to time");
        string name = $"{job.ModelName}-timing-{Guid.NewGuid():n}";
        MoEModel model = await cluster.CreateModelAsync(name, job.Run, cancellationToken: cancellation);
        StepBatches batches = job.Text.Batches(job.Seed, job.Run.Model.MaximumSequence);
        double[] seconds = new double[MeasuredSteps];
        view.Enter(phase);
        for (int step = 1; step <= WarmupSteps + MeasuredSteps; step++)
        {
            long started = Stopwatch.GetTimestamp();
            await model.TrainStepAsync(batches(step, job.Run.MicroBatches, job.Sequences), cancellation);
            if (step > WarmupSteps)
            {
                seconds[step - WarmupSteps - 1] = Stopwatch.GetElapsedTime(started).TotalSeconds;
            }

            view.Enter(phase, $"{step} of {WarmupSteps + MeasuredSteps}");
        }

        // The run has the cluster to itself, and all of its memory.
        await cluster.DeleteModelAsync(name, cancellation);
        int fits = (int)Math.Min(job.MostSteps ?? int.MaxValue, job.Time.TotalSeconds / Samples.Median(seconds));
        return Math.Max(LeastSteps, fits);
    }
}
