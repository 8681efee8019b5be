using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Commands;

/// <summary>`moe status`: the state of runs, from the files that they write.</summary>
internal sealed class StatusCommand
{
    private readonly Argument<string?> _name = new("NAME")
    {
        Description = "Name of the run; without it, every run is told of.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _runs = SharedOptions.Runs();

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON: an object for one run, a list for all." };

    public static Command Create() => new StatusCommand().Build();

    private Command Build()
    {
        Command command = new("status", "Tell how runs stand.") { _name, _runs, _json };
        command.Runs(
            parsed => new StatusOptions { Name = parsed.GetValue(_name), Runs = parsed.GetRequiredValue(_runs), Json = parsed.GetValue(_json) },
            (options, output, _) => Task.FromResult(Run(options, output)));
        return command;
    }

    private static int Run(StatusOptions options, CommandOutput output)
    {
        TextWriter writer = output.Out;
        if (options.Name is { } name)
        {
            RunFolder folder = RunFolder.At(Path.Combine(options.Runs, name));
            RunStatus status = folder.ReadStatus() ?? throw new FileNotFoundException($"There is no run '{name}': {folder.StatusFile} does not exist.");
            writer.WriteLine(options.Json ? JsonSerializer.Serialize(WithoutTheDead(status), SnakeCase.OneLine) : Line(WithoutTheDead(status)));
            if (!options.Json && status.Director is { } director)
            {
                Write(director, writer);
            }

            return ExitCode.Done;
        }

        string[] folders = Directory.Exists(options.Runs) ? Directory.GetDirectories(options.Runs) : [];
        List<RunStatus> all = [];
        int code = ExitCode.Done;
        foreach (string path in folders.Order(StringComparer.Ordinal))
        {
            try
            {
                if (RunFolder.At(path).ReadStatus() is { } status)
                {
                    all.Add(WithoutTheDead(status));
                }
            }
            catch (InvalidDataException e)
            {
                // The other runs are still reported.
                output.Error.WriteLine($"moe status: {e.Message}");
                code = ExitCode.Failed;
            }
        }

        if (options.Json)
        {
            writer.WriteLine(JsonSerializer.Serialize(all, SnakeCase.OneLine));
        }
        else if (all.Count == 0 && code == ExitCode.Done)
        {
            writer.WriteLine($"There are no runs in {options.Runs}. Begin one with: moe demo, or moe train --text PATH");
        }
        else
        {
            foreach (RunStatus status in all)
            {
                writer.WriteLine(Line(status));
            }
        }

        return code;
    }

    /// <summary>What the director sees and has done; shown only for a single run.</summary>
    private static void Write(DirectorReport director, TextWriter writer)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string error = director.PredictionError is { } part ? string.Create(culture, $", cost model {part * 100:0}% off") : "";
        writer.WriteLine(string.Create(
            culture, $"  director {director.Policy}: balance by layer {string.Join(" ", director.Balance.Select(ratio => ratio.ToString("0.00", culture)))}{error}"));
        foreach (DecisionReport decision in director.Decisions)
        {
            writer.WriteLine(string.Create(culture, $"  decision {decision.Number}, step {decision.Step:N0}, {decision.State}: {decision}"));
            foreach (LayerDecisionReport layer in decision.Layers)
            {
                writer.WriteLine($"    {layer.Reason}");
            }
        }
    }

    /// <summary>A process that was killed could not write its end: a run whose process is gone from this machine has failed.</summary>
    private static RunStatus WithoutTheDead(RunStatus status) =>
        status.State == RunState.Running && status.Machine == Environment.MachineName && !IsAlive(status.Process)
            ? status with { State = RunState.Failed, Error = $"process {status.Process} ended without a word" }
            : status;

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string Mebibytes(long bytes) => (bytes / (double)(1 << 20)).ToString("N0", CultureInfo.InvariantCulture);

    private static string Line(RunStatus status)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string state = status.State switch
        {
            RunState.Running => "running",
            RunState.Done => "done",
            RunState.Cancelled => "cancelled",
            _ => "failed",
        };
        List<string> parts = [string.Create(culture, $"{status.Name}: {state}, step {status.Step:N0}/{status.Steps:N0}")];
        if (status.Loss is { } loss)
        {
            parts.Add(string.Create(culture, $"loss {loss:0.000}"));
        }

        if (status.TokensPerSecond is { } rate)
        {
            parts.Add(string.Create(culture, $"tokens/s {rate:N0}"));
        }

        parts.Add($"{status.Silos} silos");
        if (status.Memory.MaxBy(worker => (double)worker.Used / Math.Max(1, worker.Budget)) is { } fullest)
        {
            parts.Add(string.Create(culture, $"fullest worker has {Mebibytes(fullest.Used)} of {Mebibytes(fullest.Budget)} MiB"));
        }

        parts.Add(status.Checkpoint is { } checkpoint
            ? string.Create(culture, $"checkpoint of step {status.CheckpointStep:N0} in {Path.GetRelativePath(Environment.CurrentDirectory, checkpoint)}")
            : "no checkpoint");
        parts.Add(string.Create(culture, $"updated {status.UpdatedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}"));
        return string.Join(", ", parts) + (status.Error is { } error ? $". {error}" : "");
    }
}

/// <summary>What `moe status` is asked to do.</summary>
internal sealed record StatusOptions : ICommandOptions
{
    /// <summary>Name of the run; null for all of them.</summary>
    public string? Name { get; init; }

    /// <summary>Folder that holds the runs.</summary>
    public required string Runs { get; init; }

    /// <summary>Whether to print JSON: an object for one run, a list for all.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (Name is not null)
        {
            OutputPath.RequireRunName("NAME", Name);
        }
    }
}
