using System.CommandLine;
using System.Globalization;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate record`: trains, and writes the load that the gates made.</summary>
internal sealed class SimulateRecordCommand
{
    private static readonly SimulateRecordOptions Defaults = new();

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Record the run of a JSON file (see docs/configuration.md) instead of the demo's.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _text = SharedOptions.Text("that of the file, or the .NET documentation");

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos; the load is the same on any.", Defaults.Silos);

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Steps to train.", Defaults.Steps);

    private readonly Option<int> _every = NumberOption.Count("--every", "Sample every so many steps.", Defaults.Every);

    private readonly Option<bool> _turn = new("--turn") { Description = "Let the text change its subject half-way, as in the demo: first its first half, then the other." };

    private readonly Option<string> _out = new("--out") { Description = "File to write.", HelpName = "FILE", Required = true };

    public static Command Create() => new SimulateRecordCommand().Build();

    private Command Build()
    {
        Command command = new("record", "Train, and write the load that the gates made, for moe simulate placement.")
        {
            _config, _text, _silos, _steps, _every, _turn, _out,
        };
        command.Runs(
            parsed => new SimulateRecordOptions
            {
                Config = parsed.GetValue(_config),
                Text = parsed.GetValue(_text) ?? [],
                Silos = parsed.GetValue(_silos),
                Steps = parsed.GetValue(_steps),
                Every = parsed.GetValue(_every),
                Turn = parsed.GetValue(_turn),
                Out = parsed.GetRequiredValue(_out),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(SimulateRecordOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainedRun run = ConfiguredRun.Read(options.Config, output, options.Text, options.Steps);
        int told = Math.Max(1, options.Steps / 10);
        LoadTrace trace = await TraceRecording.RecordAsync(
            run,
            options.Silos,
            options.Steps,
            options.Every,
            options.Turn ? options.Steps / 2 : null,
            step => Tell(step, told, options.Steps, output.Error),
            cancellation);
        using StreamWriter writer = new(options.Out);
        TraceWriter.Write(trace, writer);
        output.Out.WriteLine($"{trace.Rows.Length} sampled steps of {trace.Experts.Length} layers written to {options.Out}.");
        return ExitCode.Done;
    }

    private static void Tell(StepOutcome step, int told, int steps, TextWriter writer)
    {
        if (step.Step % told == 0)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {step.Step:N0}/{steps:N0}  loss {step.CrossEntropy:0.000}"));
        }
    }
}

/// <summary>What `moe simulate record` is asked to do.</summary>
internal sealed record SimulateRecordOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Files and folders of text; empty for those of the file, or the .NET documentation.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Steps to train.</summary>
    public int Steps { get; init; } = 400;

    /// <summary>Steps from one sample to the next.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Whether the text changes its subject half-way.</summary>
    public bool Turn { get; init; }

    /// <summary>Where to write the trace.</summary>
    public string Out { get; init; } = "";

    public void Validate()
    {
        OutputPath.RequireWritableFile("--out", Out);
        if (Every > Steps)
        {
            throw new UsageException($"--every {Every} is more than --steps {Steps}: no step would be sampled.");
        }
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
    /// <param name="progress">Told of every sample.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    public static async Task<LoadTrace> RecordAsync(
        TrainedRun run, int silos, int steps, int every, long? turn, Action<StepOutcome> progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos }, cancellation);
        MoEModel model = await run.CreateAsync(cluster, cancellation);
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
