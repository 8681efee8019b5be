using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench moves`: what moving experts does to a training run.</summary>
internal sealed class BenchMovesCommand
{
    private static readonly BenchMovesOptions Defaults = new();

    private readonly Option<string?> _config = new("--config")
    {
        Description = "Measure the run of a JSON file (see docs/configuration.md) instead of the demo's.",
        HelpName = "FILE",
    };

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Measured steps.", Defaults.Steps);

    private readonly Option<int> _every = NumberOption.Count("--every", "Steps from one move to the next.", Defaults.Every);

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchMovesCommand().Build();

    private Command Build()
    {
        Command command = new("moves", "Move a random expert every few steps and compare those steps with the median one.")
        {
            _config, _steps, _every, _silos, _json,
        };
        command.Runs(
            parsed => new BenchMovesOptions
            {
                Config = parsed.GetValue(_config),
                Steps = parsed.GetValue(_steps),
                Every = parsed.GetValue(_every),
                Silos = parsed.GetValue(_silos),
                Json = parsed.GetValue(_json),
            },
            Run);
        return command;
    }

    private static async Task<int> Run(BenchMovesOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainedRun run = ConfiguredRun.Read(options.Config, output);
        var progress = CountProgress.On(output, "step", options.Steps);
        MovesReport report = await MovesBenchmark.RunAsync(run, options.Silos, options.Steps, options.Every, progress, cancellation);
        progress?.Clear();
        output.Out.WriteLine(options.Json
            ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Steps} steps with {report.Moves} moves on {report.Silos} silos: median {report.MedianSeconds * 1e3:F1} ms, slowest {report.SlowestSeconds * 1e3:F1} ms ({report.SlowestRatio:F2} times; without a move {report.SlowestQuietRatio:F2}), a move adds {report.SecondsPerMove * 1e3:F1} ms; {report.BytesMoved:N0} bytes moved, {report.UnmanagedBytesLeaked:N0} bytes of device memory and {report.ManagedBytesLeaked:N0} managed bytes not returned"));
        return ExitCode.Done;
    }
}

/// <summary>What `moe bench moves` is asked to do.</summary>
internal sealed record BenchMovesOptions : ICommandOptions
{
    /// <summary>The run's file; null for the demo.</summary>
    public string? Config { get; init; }

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 120;

    /// <summary>Steps from one move to the next.</summary>
    public int Every { get; init; } = 5;

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Whether to print one JSON object instead of lines.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (Silos < 2)
        {
            throw new UsageException("--silos 1 leaves no other worker to move an expert to.");
        }

        // A move, the two steps it may disturb, and a quiet one to compare with.
        if (Every < 3 || Steps < 2 * Every + 3)
        {
            throw new UsageException($"--every {Every} and --steps {Steps} leave no quiet steps to compare with; at least 3, and three more than twice that, are needed.");
        }
    }
}
