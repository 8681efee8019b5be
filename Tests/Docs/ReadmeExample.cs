using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Silo.Embedded;

namespace MoEActors.Tests.Docs;

/// <summary>The example of the README: what stands there is what compiles here.</summary>
internal static class ReadmeExample
{
    public static async Task RunAsync()
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new() { Silos = 4 });
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration { Dim = 128, Hidden = 192, Experts = [8, 8, 8, 8] },
            Optimizer = new OptimizerOptions { LearningRate = 3e-3f, TotalSteps = 500 },
        };
        MoEModel model = await cluster.Client.CreateModelAsync("mine", run);
        var text = ByteCorpus.Divide(TextFolder.Read(["my-texts"]).Documents).TrainingWindows(seed: 1, length: 128);
        var batches = Enumerable.Range(1, 500).Select(step => ByteBatches.OfStep(text, step, run.MicroBatches, sequences: 32));
        await foreach (StepOutcome step in model.TrainAsync(batches))
        {
            Console.WriteLine($"step {step.Step}: loss {step.Loss:0.000}, tokens per expert {string.Join(" ", step.KeptTokens[0])}");
        }
        await model.SaveAsync("runs/mine/checkpoint");
    }
}
