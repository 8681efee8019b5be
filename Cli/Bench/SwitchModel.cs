using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench switch` trains: experts of 8 MB of weights, 24 MB with their moments.</summary>
internal static class SwitchModel
{
    /// <summary>The run, of one sequence per micro-batch.</summary>
    public static RunConfiguration Run { get; } = new()
    {
        MicroBatches = 8,
        Model = new ModelConfiguration
        {
            Vocabulary = 256,
            Dim = 512,
            Heads = 8,
            KeyValueHeads = 4,
            Hidden = 1365,
            Experts = [8, 8],
            Gate = new GateOptions { TopK = 2 },
            MaximumSequence = 128,
        },
        Optimizer = new OptimizerOptions { LearningRate = 1e-3f, WarmupSteps = 10 },
    };
}
