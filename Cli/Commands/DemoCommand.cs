using System.CommandLine;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Commands;

/// <summary>`moe demo`: a language model learns from the .NET documentation on a cluster of embedded silos.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        Option<string?> json = SharedOptions.JsonFile();
        Option<int> silos = SharedOptions.Silos();
        Option<string> device = SharedOptions.Device();
        Option<double> seconds = NumberOption.Seconds("Training time in seconds.", 120);
        Option<int?> steps = NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");
        Option<long> seed = NumberOption.Seed();
        Option<string> folder = TextOption.WithDefault(
            "--output", "FOLDER", "Folder of the run: checkpoint and status.", Path.Combine(OutputPath.Runs, "demo"));
        Option<bool> noDirector = SharedOptions.NoDirector();
        Command command = new("demo", "Watch a language model with experts learn from the .NET documentation, on a cluster in this process.")
        {
            json, silos, device, seconds, steps, seed, folder, noDirector,
        };
        DashboardOptions dashboard = new DashboardOptions().AddTo(command);
        return command.Runs(async (parsed, output, cancellation) =>
        {
            string place = parsed.GetRequiredValue(folder);
            DashboardChoice shown = dashboard.Of(parsed);
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            UsageException.ThrowUnless(
                parsed.GetValue(steps) is null || parsed.GetResult(seconds) is not { Implicit: false }, "--steps and --seconds exclude each other.");
            UsageException.ThrowUnless(!File.Exists(place), $"--output {place} is a file; a folder is needed.");
            var run = RunFolder.At(place);

            // A demo takes the place of an earlier one, and of nothing that anybody has trained.
            EarlierRun.RequireNone(run, overwrite: run.HoldsDemo(), "name another folder with --output");
            output.Out.WriteLine("MoEActors demo: a language model with experts learns from the .NET documentation.");
            TrainingJob job = new()
            {
                Name = "demo",
                Text = WindowText.Read([], output),
                Run = DemoModel.Run(parsed.GetValue(seed)),
                Sequences = DemoModel.Sequences,
                Silos = parsed.GetValue(silos),
                Device = SharedOptions.DeviceOf(parsed.GetRequiredValue(device)),
                Steps = parsed.GetValue(steps),
                Time = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                MostSteps = DemoModel.MostSteps,
                Seed = parsed.GetValue(seed),
                Folder = run,
                Dashboard = shown,
                Prompt = "Gets the ",
                MovesBusyExpert = true,
                ChangesSubject = true,
                Director = parsed.GetValue(noDirector) ? null : new DirectorSettings(),
            };
            return await TrainingReport.RunAsync(job, parsed.GetValue(json), output, cancellation);
        });
    }
}

/// <summary>The model of the demo: small enough to learn to write in two minutes on two cores, large enough for several experts in every layer.</summary>
internal static class DemoModel
{
    /// <summary>Micro-batches of a step: up to eight silos get work in every round.</summary>
    public const int MicroBatches = 8;

    public const int Sequences = 32;

    /// <summary>Beyond this the model memorises the training files and improves little on others.</summary>
    public const int MostSteps = 1200;

    public static RunConfiguration Run(long seed) => new()
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
            MaximumSequence = 128,
            Seed = (ulong)seed,
        },
        Optimizer = new OptimizerOptions { LearningRate = 3e-3f, WarmupSteps = 50, WeightDecay = 0.1f },
    };
}
