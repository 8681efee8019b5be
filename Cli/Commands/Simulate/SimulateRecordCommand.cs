using System.CommandLine;
using MoEActors.Benchmarks;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate record`: trains, and writes the load that the gates made.</summary>
internal static class SimulateRecordCommand
{
    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Record");
        Option<string[]> text = SharedOptions.Text("that of the file, or the .NET documentation");
        Option<int> silos = SharedOptions.Silos("Number of embedded silos; the load is the same on any.");
        Option<int> steps = NumberOption.Count("--steps", "Steps to train.", 400);
        Option<int> every = NumberOption.Count("--every", "Sample every so many steps.", 1);
        Option<bool> turn = new("--turn") { Description = "Let the text change its subject half-way, as in the demo: first its first half, then the other." };
        Option<string> file = SharedOptions.Out();
        Command command = new("record", "Train, and write the load that the gates made, for moe simulate placement.")
        {
            config, text, silos, steps, every, turn, file,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            (int count, int interval) = (parsed.GetValue(steps), parsed.GetValue(every));
            OutputFile.RequireWritable("--out", parsed.GetValue(file));
            UsageException.ThrowUnless(interval <= count, $"--every {interval} is more than --steps {count}: no step would be sampled.");
            TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output, parsed.GetValue(text), count);
            int shown = Math.Max(1, count / 10);
            LoadTrace trace = await TraceRecording.RecordAsync(
                run, parsed.GetValue(silos), count, interval, parsed.GetValue(turn) ? count / 2 : null, Show, cancellation);
            await TraceWriter.WriteAsync(trace, parsed.GetRequiredValue(file), output, cancellation);
            return ExitCode.Done;

            void Show(StepOutcome step)
            {
                if (step.Step % shown == 0)
                {
                    output.Error.WriteLine($"step {step.Step:N0}/{count:N0}  loss {step.CrossEntropy:0.000}");
                }
            }
        });
    }
}

/// <summary>Trains, and keeps what the gates chose at some of the steps. Routing does not depend on where experts are.</summary>
internal static class TraceRecording
{
    /// <summary>Records a trace.</summary>
    /// <param name="run">What is trained.</param>
    /// <param name="silos">Silos to train on.</param>
    /// <param name="steps">Steps to train.</param>
    /// <param name="every">Steps from one sample to the next.</param>
    /// <param name="turn">The last step on the first half of the text; null for all of it in every step.</param>
    /// <param name="progress">Called with every sampled step.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<LoadTrace> RecordAsync(
        TrainedRun run, int silos, int steps, int every, long? turn, Action<StepOutcome> progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        var windows = new SubjectWindows(run.Corpus, (long)run.Run.Model.Seed, run.Run.Model.MaximumSequence, turn);
        IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Range(1, steps)
            .Select(step => ByteBatches.OfStep(windows.Of(step), step, run.Run.MicroBatches, run.Sequences));
        List<LoadSample> samples = [];
        await foreach (StepOutcome step in model.TrainAsync(batches, cancellation))
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
