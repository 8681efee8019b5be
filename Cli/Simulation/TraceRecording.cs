using MoEActors.Cli.Bench;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Simulation;

/// <summary>Trains, and keeps what the gates chose at some of the steps. Routing does not depend on where experts are.</summary>
internal static class TraceRecording
{
    /// <summary>Records a trace.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">Silos to train on.</param>
    /// <param name="steps">Steps to train.</param>
    /// <param name="every">Steps from one sample to the next.</param>
    /// <param name="turn">The last step on the first half of the text; null for all of it in every step.</param>
    /// <param name="progress">Told of every sample.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<LoadTrace> RecordAsync(
        TrainedRun run, int silos, int steps, int every, long? turn, Action<StepOutcome> progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster, cancellation);
        List<LoadSample> samples = [];
        await foreach (StepOutcome step in model.TrainAsync(run.Batches(steps, turn), cancellation))
        {
            if (step.Step % every == 0)
            {
                samples.Add(new LoadSample(step.Step, step.ChosenTokens, [.. step.DroppedTokens.Select(layer => layer.Sum())]));
                progress(step);
            }
        }

        return new LoadTrace(samples);
    }
}
