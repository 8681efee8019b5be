using MoEActors.Cli.Commands;
using MoEActors.Cli.Runs;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Training;

/// <summary>The model of the demo: small enough to learn to write in two minutes on two cores, large enough to be a mixture of experts.</summary>
internal static class DemoModel
{
    /// <summary>Micro-batches of a step: up to eight silos get work in every round.</summary>
    public const int MicroBatches = 8;

    private const int SequenceLength = 128;
    private const int Sequences = 32;

    /// <summary>Beyond this the model learns the training files by heart and gains little on others.</summary>
    private const int MostSteps = 1200;

    /// <summary>The demo as a job.</summary>
    public static TrainingJob Job(DemoOptions options, TextSource text) => new()
    {
        Name = "demo",
        Text = text,
        Sequences = Sequences,
        Silos = options.Silos,
        Steps = options.Steps,
        Time = TimeSpan.FromSeconds(options.Seconds),
        MostSteps = MostSteps,
        Seed = options.Seed,
        Folder = RunFolder.At(options.Output),
        Prompt = "Gets the ",
        MovesBusyExpert = true,
        ChangesSubject = true,
        Director = options.Director ? new DirectorSettings() : null,
        Run = new RunConfiguration
        {
            MicroBatches = MicroBatches,
            Model = new ModelConfiguration
            {
                Vocabulary = ByteBatches.Vocabulary,
                Dim = 128,
                Heads = 4,
                KeyValueHeads = 2,
                Hidden = 192,
                Experts = [8, 8, 8, 8],
                Gate = new GateOptions { TopK = 2 },
                MaximumSequence = SequenceLength,
                Seed = (ulong)options.Seed,
            },
            Optimizer = new OptimizerOptions { LearningRate = 3e-3f, WarmupSteps = 50, WeightDecay = 0.1f },
        },
    };
}
