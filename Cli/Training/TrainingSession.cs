using System.Text;
using MoEActors.Cli.Progress;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Training;

/// <summary>Runs a training job on an embedded cluster, from the first window to the checkpoint.</summary>
internal static class TrainingSession
{
    private const int SampleTokens = 240;
    private const float SampleTemperature = 0.7f;

    /// <summary>Sequences of an evaluation's micro-batch.</summary>
    private const int EvaluationSequences = 8;

    /// <summary>Trains, evaluates, samples and saves.</summary>
    public static async Task<TrainingResult> RunAsync(TrainingJob job, CommandOutput output, CancellationToken cancellation)
    {
        // Before the work, not after it: a text too short to validate on is refused now.
        IReadOnlyList<ReadOnlyMemory<byte>> validation = job.Corpus.ValidationWindows(job.Run.Model.MaximumSequence);
        int steps = job.Steps ?? await ScheduleLength.MeasureAsync(job, cancellation);
        int warmup = (int)Math.Min(job.Run.Optimizer.WarmupSteps, Math.Max(1, steps / 10));
        RunConfiguration run = job.Run with { Optimizer = job.Run.Optimizer with { TotalSteps = steps, WarmupSteps = warmup } };
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = job.Silos }, cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(job.Name, run, cancellationToken: cancellation);
        TrainingStatus status = await model.GetStatusAsync(cancellation);

        // On a machine that slows down, a demo that ends late is worse than one that has learnt a little less.
        TimeSpan limit = job.Steps is null ? job.Time * 1.25 : TimeSpan.MaxValue;
        var meter = new TrainingMeter(status, steps);
        await using (ITrainingView view = TrainingView.Open(output))
        {
            TrainingWindows windows = job.Corpus.TrainingWindows(job.Seed, run.Model.MaximumSequence);
            IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Range(1, steps)
                .TakeWhile(_ => meter.Elapsed < limit)
                .Select(step => ByteBatches.OfStep(windows, step, run.MicroBatches, job.Sequences));
            await foreach (StepOutcome step in model.TrainAsync(batches, cancellation))
            {
                view.Report(meter.Add(step));
            }
        }

        double trainingSeconds = meter.Elapsed.TotalSeconds;
        output.Error.WriteLine($"Trained {meter.Tokens:N0} tokens in {trainingSeconds:0.0} s; measuring the validation loss ...");
        EvaluationOutcome loss = await model.EvaluateAsync(
            [.. validation.Chunk(EvaluationSequences).Select(ByteBatches.Of)], cancellation);
        byte[] prompt = Encoding.UTF8.GetBytes(job.Prompt);
        int[] sample = await model.GenerateAsync(
            [.. prompt.Select(value => (int)value)], SampleTokens, SampleTemperature, (ulong)job.Seed, cancellation);
        SaveOutcome saved = await model.SaveAsync(Path.Combine(job.Folder, "checkpoint"), $"{meter.Step}", cancellation);
        return new TrainingResult
        {
            Runtime = EmbeddedSilos.RuntimeName,
            Silos = job.Silos,
            Steps = meter.Step,
            Seconds = 0,
            TrainingSeconds = trainingSeconds,
            TrainingTokens = meter.Tokens,
            TokensPerSecond = meter.Tokens / trainingSeconds,
            TrainingLoss = meter.CrossEntropy,
            ValidationLoss = loss.Loss,
            ValidationBytes = loss.Tokens,
            UnigramLoss = job.Corpus.UnigramLoss(validation),
            Parameters = ModelLayout.ParameterCount(run.Model),
            Fingerprint = (await model.FingerprintAsync(cancellation)).ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
            Checkpoint = saved.Folder,
            Sample = job.Prompt + Encoding.UTF8.GetString([.. sample.Select(token => (byte)token)]),
        };
    }
}
