using MoEActors.Cli.Commands;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Bench;

/// <summary>A training run to measure: the demo's, or that of a file. It keeps nothing on disk.</summary>
/// <param name="Run">Model and optimizer.</param>
/// <param name="Corpus">Its text.</param>
/// <param name="Sequences">Sequences per step, of all micro-batches together.</param>
internal sealed record TrainedRun(RunConfiguration Run, ByteCorpus Corpus, int Sequences)
{
    /// <summary>Steps that compile the code and warm the arenas.</summary>
    public const int WarmupSteps = 20;

    /// <summary>Reads the run and its text.</summary>
    /// <param name="config">A file as `moe train --config` reads it; null for the demo.</param>
    /// <param name="output">Where remarks on the text go.</param>
    /// <param name="paths">Files and folders of text; none for those of the file, or the .NET documentation.</param>
    /// <exception cref="UsageException">The file cannot be trained.</exception>
    public static TrainedRun Read(string? config, CommandOutput output, params IReadOnlyList<string> paths)
    {
        TrainFile? file = config is null ? null : TrainFile.Read(config);
        var text = TextSource.Read(paths.Count > 0 ? paths : file?.Text ?? [], output with { Out = output.Error });
        TrainingJob demo = DemoModel.Job(new DemoOptions(), text);
        int sequences = file is null ? demo.Sequences : file.Batch ?? new TrainOptions().Batch;
        RunConfiguration run = file is null
            ? demo.Run
            : new RunConfiguration
            {
                MicroBatches = Math.Min(sequences, file.MicroBatches ?? DemoModel.MicroBatches),
                Model = file.Model with { Vocabulary = ByteBatches.Vocabulary },
                Optimizer = file.Optimizer,
            };
        try
        {
            run.Validate();
        }
        catch (ModelConfigurationException e)
        {
            throw new UsageException(string.Join(' ', e.Errors));
        }

        return new TrainedRun(run, text.Corpus, sequences) { HasSchedule = file is { HasSchedule: true }, Director = file?.Director ?? true };
    }

    /// <summary>Whether the placement follows the load, as it does in the demo.</summary>
    public bool Director { get; private init; }

    /// <summary>Whether the file says how long the learning-rate schedule is.</summary>
    public bool HasSchedule { get; private init; }

    /// <summary>The same with a schedule of so many steps, unless the file has one.</summary>
    public TrainedRun OfSteps(int steps) =>
        HasSchedule ? this : this with { Run = Run with { Optimizer = Run.Optimizer.OfSteps(steps) } };

    /// <summary>Creates the model on a cluster.</summary>
    public Task<MoEModel> CreateAsync(EmbeddedCluster cluster, CancellationToken cancellation) =>
        cluster.Client.CreateModelAsync("bench", Run, cancellationToken: cancellation);

    /// <summary>The batches of the first steps.</summary>
    /// <param name="steps">Steps.</param>
    /// <param name="turn">The last step on the first half of the text; null for all of it in every step.</param>
    public IEnumerable<IReadOnlyList<MicroBatch>> Batches(int steps, long? turn = null)
    {
        var windows = new SubjectWindows(Corpus, (long)Run.Model.Seed, Run.Model.MaximumSequence, turn);
        return Enumerable.Range(1, steps).Select(step => ByteBatches.OfStep(windows.Of(step), step, Run.MicroBatches, Sequences));
    }
}
