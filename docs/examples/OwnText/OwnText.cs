using System.Text;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;

namespace MoEActors.Examples;

/// <summary>Your own text, end to end: read it, train on it, stop half-way, go on elsewhere, measure, and let the model write.</summary>
internal static class OwnText
{
    public static async Task RunAsync(string[] paths, RunConfiguration run, int sequences, string folder, TextWriter output)
    {
        // A tenth of the text is kept for validation. Windows and batches follow from seed and step alone.
        ByteCorpus corpus = ByteCorpus.Divide(TextFolder.Read(paths).Documents);
        TrainingWindows windows = corpus.TrainingWindows(seed: 1, length: run.Model.MaximumSequence);
        int steps = (int)run.Optimizer.TotalSteps;
        IEnumerable<IReadOnlyList<MicroBatch>> Batches(long after, int until) =>
            Enumerable.Range((int)after + 1, until - (int)after).Select(step => ByteBatches.OfStep(windows, step, run.MicroBatches, sequences));

        // The first half of the steps, on four silos in this process.
        await using (EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new() { Silos = 4 }))
        {
            MoEModel model = await cluster.Client.CreateModelAsync("own-text", run);
            await foreach (StepOutcome step in model.TrainAsync(Batches(after: 0, until: steps / 2)))
            {
                output.WriteLine($"step {step.Step}: loss {step.CrossEntropy:0.000}");
            }

            await model.SaveAsync(folder);
        }

        // The other half, on two. The result is, bit for bit, what four silos without a pause would have come to.
        await using (EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new() { Silos = 2 }))
        {
            MoEModel model = await cluster.Client.RestoreModelAsync("own-text", folder);
            await foreach (StepOutcome step in model.TrainAsync(Batches(after: model.Step, until: steps)))
            {
                output.WriteLine($"step {step.Step}: loss {step.CrossEntropy:0.000}");
            }

            IReadOnlyList<MicroBatch> validation =
                [.. corpus.ValidationWindows(run.Model.MaximumSequence).Chunk(8).Select(ByteBatches.Of)];
            EvaluationOutcome loss = await model.EvaluateAsync(validation);
            output.WriteLine($"validation loss {loss.Loss:0.000} nats per byte");

            int[] prompt = [.. Encoding.UTF8.GetBytes("The ").Select(value => (int)value)];
            int[] written = await model.GenerateAsync(prompt, count: 200, temperature: 0.7f).ToArrayAsync();
            output.WriteLine("The " + Encoding.UTF8.GetString([.. written.Select(token => (byte)token)]));
            output.WriteLine($"parameters {await model.FingerprintAsync():x16}");
            await model.SaveAsync(folder);
        }
    }
}
