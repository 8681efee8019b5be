using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Examples;

/// <summary>What the trainer is to do.</summary>
public sealed class TrainingOptions
{
    /// <summary>Section of the configuration.</summary>
    public const string Section = "Training";

    /// <summary>The model's name.</summary>
    public string Name { get; set; } = "mine";

    /// <summary>Files and folders of UTF-8 text.</summary>
    public string[] Text { get; set; } = [];

    /// <summary>How many steps there are in all.</summary>
    public int Steps { get; set; } = 200;

    /// <summary>Where the model is saved, and where it goes on from.</summary>
    public string Checkpoint { get; set; } = "runs/mine/checkpoint";
}

/// <summary>Trains a model in the background, from its last checkpoint if there is one, and saves it at the end and when the host stops.</summary>
public sealed partial class Trainer(
    MoECluster cluster, IOptions<TrainingOptions> options, IHostApplicationLifetime lifetime, ILogger<Trainer> log) : BackgroundService
{
    private const int Sequences = 16;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        TrainingOptions training = options.Value;
        TrainingWindows text = ByteCorpus.Divide(TextFolder.Read(training.Text).Documents).TrainingWindows(seed: 1, length: 64);
        MoEModel model = await OpenAsync(training, stoppingToken);
        var batches = Enumerable.Range((int)model.Step + 1, Math.Max(0, training.Steps - (int)model.Step))
            .Select(step => ByteBatches.OfStep(text, step, model.Run.MicroBatches, Sequences));
        try
        {
            // No token: when the host stops, the cluster's client begins no step any more, and the one at work ends.
            await foreach (StepOutcome step in model.TrainAsync(batches, CancellationToken.None))
            {
                LogStep(step.Step, step.CrossEntropy);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // What has been learnt is saved.
        }

        SaveOutcome saved = await model.SaveAsync(training.Checkpoint, cancellationToken: CancellationToken.None);
        LogSaved(model.Step, saved.Folder);
        lifetime.StopApplication();
    }

    private Task<MoEModel> OpenAsync(TrainingOptions training, CancellationToken stoppingToken)
    {
        if (Directory.Exists(training.Checkpoint))
        {
            return cluster.RestoreModelAsync(training.Name, training.Checkpoint, cancellationToken: stoppingToken);
        }

        var run = new RunConfiguration
        {
            Model = new ModelConfiguration { Dim = 32, Heads = 2, KeyValueHeads = 1, Hidden = 64, Experts = [8, 8], MaximumSequence = 64 },
            Optimizer = new OptimizerOptions { LearningRate = 3e-3f, TotalSteps = training.Steps },
        };
        return cluster.CreateModelAsync(training.Name, run, cancellationToken: stoppingToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "step {Step}: loss {Loss:0.000}")]
    private partial void LogStep(long step, double loss);

    [LoggerMessage(Level = LogLevel.Information, Message = "saved after step {Step} in {Folder}")]
    private partial void LogSaved(long step, string folder);
}
